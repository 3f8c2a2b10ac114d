# A server certificate for the scenarios: `certify NAME` creates an authority on first use, and a
# certificate and key with NAME as the subject. The server serves the first one from its start.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  openssl = lib.getExe pkgs.openssl;
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

  services.lakewright = {
    server.tls = {
      certificateFile = "/var/lib/lake-tls/cert.pem";
      keyFile = "/var/lib/lake-tls/key.pem";
    };
    client.caFile = "/var/lib/lake-tls/ca.pem";
  };
}
