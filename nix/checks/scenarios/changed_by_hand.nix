# Secrets and a certificate are plain files that are replaced without a switch.
{ lib, pkgs, ... }:
{
  imports = [ ../certify.nix ];

  environment.systemPackages = [ pkgs.minio-client ];
  systemd.tmpfiles.rules = [
    "f /var/lib/lake/root-user 0400 root root - lake-root"
    "d /run/lake.d/1 0751 root root"
    "f /run/lake.d/1/root-password 0400 root root - the-first-password"
    "L /run/lake - - - - /run/lake.d/1"
    "f /var/lib/lake/etl 0400 root root - etl-is-a-user"
  ];

  # An address that comes after 127.0.0.2 in /etc/hosts.
  specialisation.elsewhere.configuration = {
    services.lakewright.server.listen.address = "192.168.77.1";
    systemd.services.address = {
      requiredBy = [ "lakewright-server.service" ];
      before = [ "lakewright-server.service" ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "${lib.getExe' pkgs.iproute2 "ip"} address replace 192.168.77.1/32 dev lo";
      };
    };
  };

  services.lakewright = {
    server = {
      enable = true;
      rootUserFile = "/var/lib/lake/root-user";
      rootPasswordFile = "/run/lake/root-password";
    };
    client = {
      enable = true;
      readyTimeout = 5;
      stacks.lake.users.etl.secretFile = "/var/lib/lake/etl";
    };
  };
}
