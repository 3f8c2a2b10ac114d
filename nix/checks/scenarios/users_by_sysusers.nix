# Users are created by systemd-sysusers, which supports system users only.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  secret = config.age.secrets.lakewright-lake-user-etl.path;
  ingest = pkgs.writeShellApplication {
    name = "ingest";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.minio-client
    ];
    text = ''
      MC_HOST_lake=http://etl:$(cat ${secret})@127.0.0.1:9000
      export MC_HOST_lake
      echo "$RANDOM" | mc --config-dir "$RUNTIME_DIRECTORY" pipe "lake/raw/$(cat /proc/sys/kernel/random/uuid)"
    '';
  };
in
{
  imports = [ ../host-key.nix ];

  systemd.sysusers.enable = true;

  services.lakewright = {
    server.enable = true;
    client = {
      enable = true;
      stacks.lake = {
        buckets.raw = { };
        policies.raw-writer.grants = [
          {
            access = "read_write";
            bucket = "raw";
          }
        ];
        users.etl.policies = [ "raw-writer" ];
      };
    };
    age = {
      rootUser = ../../../secrets/minio-root-user.age;
      rootPassword = ../../../secrets/minio-root-password.age;
      users.lake.etl = ../../../secrets/etl.age;
    };
  };

  # A program of the host that works as etl.
  age.secrets.lakewright-lake-user-etl.owner = "ingest";
  users.groups.ingest = { };
  users.users.ingest = {
    isSystemUser = true;
    group = "ingest";
  };
  systemd.services.ingest = {
    wants = [ "lakewright-client-lake.service" ];
    after = [ "lakewright-client-lake.service" ];
    serviceConfig = {
      Type = "oneshot";
      User = "ingest";
      RuntimeDirectory = "ingest";
      ExecStart = lib.getExe ingest;
    };
  };
}
