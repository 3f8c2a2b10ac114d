# A host that ran services.minio, and then runs the server of this project on the same data, with
# the same root user and its secrets in plain files.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  server = config.services.lakewright.server;
  # services.minio needs a package that nixpkgs marks as insecure, so this copies its settings.
  before = {
    users.users.minio = {
      isSystemUser = true;
      group = "minio";
      uid = config.ids.uids.minio;
    };
    users.groups.minio.gid = config.ids.uids.minio;
    systemd.tmpfiles.rules = [ "d /var/lib/minio/data - minio minio - -" ];
    systemd.services.minio = {
      wantedBy = [ "multi-user.target" ];
      environment = {
        MINIO_ROOT_USER = "lake-root";
        MINIO_ROOT_PASSWORD = "from-before-lakewright";
      };
      serviceConfig = {
        ExecStart = "${server.package}/bin/minio server --address 127.0.0.1:9000 --certs-dir=/var/lib/minio/certs /var/lib/minio/data";
        User = "minio";
        Group = "minio";
        UMask = "0077";
      };
    };
  };
in
{
  config = lib.mkMerge [
    (lib.mkIf (!server.enable) before)
    {
      environment.systemPackages = [ pkgs.minio-client ];
      systemd.tmpfiles.rules = [
        "f /var/lib/lake/root-user 0400 root root - lake-root"
        "f /var/lib/lake/root-password 0400 root root - from-before-lakewright"
        "f /var/lib/lake/etl 0400 root root - etl-with-a-new-secret"
      ];
      specialisation.adopted.configuration.services.lakewright = {
        server = {
          enable = true;
          rootUserFile = "/var/lib/lake/root-user";
          rootPasswordFile = "/var/lib/lake/root-password";
        };
        client = {
          enable = true;
          stacks.lake = {
            buckets.old = {
              adopt = true;
              versioning = true;
            };
            users.etl = {
              adopt = true;
              secretFile = "/var/lib/lake/etl";
              policies = [ "readwrite" ];
            };
          };
        };
      };
    }
  ];
}
