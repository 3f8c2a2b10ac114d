# The first of two hosts of a cluster; the second is not there yet.
{ lib, pkgs, ... }:
let
  drives = [
    "/srv/disk-1"
    "/srv/disk-2"
  ];
in
{
  networking.hosts = {
    "10.77.0.1" = [ "lake-1" ];
    "10.77.0.2" = [ "lake-2" ];
  };
  systemd.services.address = {
    requiredBy = [ "lakewright-server.service" ];
    before = [ "lakewright-server.service" ];
    serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStart = "${lib.getExe' pkgs.iproute2 "ip"} address replace 10.77.0.1/24 dev lo";
    };
  };
  systemd.mounts = map (drive: {
    what = "tmpfs";
    where = drive;
    type = "tmpfs";
    options = "size=64M";
    wantedBy = [ "local-fs.target" ];
  }) drives;

  systemd.tmpfiles.rules = [
    "f /var/lib/lake/root-user 0400 root root - lake-root"
    "f /var/lib/lake/root-password 0400 root root - correct-horse"
  ];
  services.lakewright.server = {
    enable = true;
    rootUserFile = "/var/lib/lake/root-user";
    rootPasswordFile = "/var/lib/lake/root-password";
    listen.address = null;
    hostName = "lake-1";
    pools = [
      {
        hosts = {
          prefix = "lake-";
          to = 2;
        };
        drives = {
          prefix = "/srv/disk-";
          to = 2;
        };
      }
    ];
  };
}
