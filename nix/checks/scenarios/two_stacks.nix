# Two stacks on a remote server, whose certificate is signed by a private authority. The secrets are
# plain files in the layout of sops-nix; agenix is not imported.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  ca = "/var/lib/far/ca/ca.pem";
  endpoint = "https://far.test:9443";
  secret = name: "/run/secrets/${name}";

  # The remote server: no unit of this project refers to it.
  serve = pkgs.writeShellApplication {
    name = "serve-far";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.openssl
    ];
    text = ''
      umask 077
      mkdir -p /var/lib/far/{ca,certs,data}
      cd /var/lib/far
      new() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "$@"; }
      if [[ ! -e ca/ca.pem ]]; then
        new -x509 -days 30 -subj /CN=authority -keyout ca/ca.key -out ca/ca.pem
        new -subj /CN=far.test -keyout certs/private.key -out request.pem
        echo subjectAltName=DNS:far.test > names
        openssl x509 -req -in request.pem -CA ca/ca.pem -CAkey ca/ca.key -CAcreateserial -days 30 \
          -extfile names -out certs/public.crt
      fi
      exec ${lib.getExe' config.services.lakewright.server.package "minio"} server \
        --quiet --address far.test:9443 --certs-dir /var/lib/far/certs data
    '';
  };

  # Runs the command with the given credentials: `as etl /run/secrets/etl object list raw`.
  as = pkgs.writeShellApplication {
    name = "as";
    text = ''
      export LAKEWRIGHT_ENDPOINT=${endpoint} LAKEWRIGHT_REGION=eu-central-1 LAKEWRIGHT_CA_FILE=${ca}
      export LAKEWRIGHT_ACCESS_KEY_ID=$1 LAKEWRIGHT_SECRET_ACCESS_KEY_FILE=$2
      exec lakewright "''${@:3}"
    '';
  };
in
{
  networking.hosts."127.0.0.9" = [ "far.test" ];
  systemd.services.far-server = {
    wantedBy = [ "multi-user.target" ];
    environment = {
      HOME = "/var/lib/far";
      MINIO_ROOT_USER = "far-root";
      MINIO_ROOT_PASSWORD = "far-root-password";
      MINIO_SITE_REGION = "eu-central-1";
    };
    serviceConfig.ExecStart = lib.getExe serve;
  };

  systemd.tmpfiles.rules =
    let
      file = path: value: "f ${path} 0400 root root - ${value}";
    in
    [
      "d /run/secrets.d/1 0751 root root"
      (file "/run/secrets.d/1/admin-user" "far-root")
      (file "/run/secrets.d/1/admin-password" "far-root-password")
      (file "/run/secrets.d/1/etl" "the-first-etl-key")
      (file "/run/secrets.d/1/analyst" "analyst-is-a-user")
      "L /run/secrets - - - - /run/secrets.d/1"
      # Some secrets are missing at first.
      (file "/root/loader" "the-first-loader-key")
    ];
  environment.systemPackages = [
    as
    pkgs.jq
  ];

  services.lakewright.client = {
    enable = true;
    inherit endpoint;
    region = "eu-central-1";
    caFile = ca;
    credentials = {
      accessKeyIdFile = secret "admin-user";
      secretAccessKeyFile = secret "admin-password";
    };

    stacks.ingest = {
      buckets.raw = { };
      policies.raw-writer.grants = [
        {
          access = "read_write";
          bucket = "raw";
        }
      ];
      groups.writers.policies = [ "raw-writer" ];
      users.etl = {
        secretFile = secret "etl";
        groups = [ "writers" ];
      };
      serviceAccounts.loader = {
        owner = "etl";
        secretFile = "/root/loader";
        grants = [
          {
            access = "write";
            bucket = "raw";
            prefix = "in/";
          }
        ];
      };
    };

    stacks.report = {
      buckets.marts = { };
      tables."marts/delays".schema = {
        carrier = "string";
        delay = "long";
      };
      policies.analyst.grants = [
        {
          access = "read";
          bucket = "raw";
        }
        {
          access = "read_write";
          bucket = "marts";
        }
      ];
      users.analyst = {
        secretFile = secret "analyst";
        policies = [ "analyst" ];
      };
    };
  };

  specialisation.alone.configuration.services.lakewright.client.stacks.report.enable =
    lib.mkForce false;
}
