# The host of the scenarios: a server, a stack, secrets by agenix, and Anna, an ordinary user who
# works on the lake as its user `etl`.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  secret = name: config.age.secrets.${name}.path;

  # MinIO's own client as the root user of the server, as an independent check of the results.
  rootMc = pkgs.writeShellApplication {
    name = "root-mc";
    runtimeInputs = [ pkgs.minio-client ];
    text = ''
      MC_HOST_lake="''${LAKE_SCHEME:-http}://$(cat ${secret "lakewright-root-user"}):$(
        cat "''${LAKE_PASSWORD_FILE:-${secret "lakewright-root-password"}}"
      )@''${LAKE_HOST:-127.0.0.1}:9000"
      export MC_HOST_lake
      exec mc "$@"
    '';
  };
in
{
  imports = [ ./host-key.nix ];

  services.lakewright = {
    server.enable = true;

    client = {
      enable = true;
      operatorsGroup = "lakewright-operators";
      stacks.lake = {
        buckets = {
          raw = {
            versioning = true;
            quota = "1GiB";
            tags.team = "data";
          };
          closed = { };
        };
        policies.raw-writer.grants = [
          {
            access = "read_write";
            bucket = "raw";
            prefix = "flights/";
          }
        ];
        policies.operators.grants = [
          {
            access = "read";
            bucket = "raw";
          }
        ];
        users.etl.policies = [ "raw-writer" ];
        users.operators.policies = [ "operators" ];
      };
    };

    age = {
      rootUser = ../../secrets/minio-root-user.age;
      rootPassword = ../../secrets/minio-root-password.age;
      users.lake.etl = lib.mkDefault ../../secrets/etl.age;
      users.lake.operators = ../../secrets/operators.age;
    };
  };

  # Anna can read the secret of etl and no other secret.
  age.secrets.lakewright-lake-user-etl.owner = "anna";
  users.users.anna.isNormalUser = true;
  # Otto has the access of operators.
  users.users.otto = {
    isNormalUser = true;
    extraGroups = [ "lakewright-operators" ];
  };
  # Emil has no access at all.
  users.users.emil.isNormalUser = true;

  environment.systemPackages = [
    rootMc
    pkgs.jq
    (pkgs.python3.withPackages (packages: [
      packages.lakewright
      packages.pyarrow
    ]))
  ];
  environment.etc."lake/flights.py".source = ./programs/flights.py;
}
