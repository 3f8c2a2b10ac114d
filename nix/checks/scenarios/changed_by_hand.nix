# Secrets and a certificate are plain files that are replaced without a switch.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  openssl = lib.getExe pkgs.openssl;
  # Creates an authority, and a server certificate signed by it for the name in the argument.
  certify = pkgs.writeShellApplication {
    name = "certify";
    runtimeInputs = [ pkgs.coreutils ];
    text = ''
      umask 077
      mkdir -p /var/lib/lake-tls
      cd /var/lib/lake-tls
      new() { ${openssl} req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "$@" 2>/dev/null; }
      if [[ ! -e ca.pem ]]; then
        new -x509 -days 30 -subj /CN=authority -keyout ca.key -out ca.pem
      fi
      new -subj "/CN=$1" -keyout key.new -out request.pem
      echo subjectAltName=DNS:${config.services.lakewright.server.tls.name} > names
      ${openssl} x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
        -extfile names -out cert.new 2>/dev/null
      # The key is moved first, as by programs that renew certificates.
      mv key.new key.pem
      mv cert.new cert.pem
    '';
  };
in
{
  environment.systemPackages = [
    certify
    pkgs.openssl
    pkgs.minio-client
  ];
  systemd.tmpfiles.rules = [
    "f /var/lib/lake/root-user 0400 root root - lake-root"
    "d /run/lake.d/1 0751 root root"
    "f /run/lake.d/1/root-password 0400 root root - the-first-password"
    "L /run/lake - - - - /run/lake.d/1"
    "f /var/lib/lake/etl 0400 root root - etl-is-a-user"
  ];
  systemd.services.lake-certificate = {
    requiredBy = [ "lakewright-server.service" ];
    before = [ "lakewright-server.service" ];
    serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStart = "${lib.getExe certify} first";
    };
  };

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
      tls = {
        certificateFile = "/var/lib/lake-tls/cert.pem";
        keyFile = "/var/lib/lake-tls/key.pem";
      };
    };
    client = {
      enable = true;
      readyTimeout = 5;
      caFile = "/var/lib/lake-tls/ca.pem";
      stacks.lake.users.etl.secretFile = "/var/lib/lake/etl";
    };
  };
}
