# Declared state on a server, this host's or another: `services.lakewright.client`.
#
# Here is where it connects and who it is there. What a stack is, is in ./client/stack.nix; each
# other file of ./client makes one thing of the stacks.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.lakewright.client;
  spec = import ../lib/spec { inherit lib; };
  types = import ../lib/types.nix { inherit lib; };
  url = import ../lib/url.nix { inherit lib; };
  # The server's module need not be there.
  server = config.services.lakewright.server or { enable = false; };
  ofServer = name: if server.enable then server.${name} else null;
  # Whether the endpoint is this host's server, however it is written.
  isOurs =
    let
      asked = url.parse cfg.endpoint;
      known = map url.parse (
        lib.filter (known: known != null) [
          server.endpoint
          server.url
        ]
      );
      # What the server is called from here.
      names = [
        config.networking.hostName
        config.networking.fqdnOrHostName
      ];
    in
    server.enable
    && cfg.endpoint != null
    && (
      lib.elem asked known
      || (
        asked.port == toString server.listen.port
        && (url.isLoopback asked.host || lib.elem asked.host (map lib.toLower names))
      )
    );

  keyFile =
    { what, server }:
    lib.mkOption {
      type = lib.types.nullOr types.secretFile;
      default = ofServer server;
      defaultText = lib.literalMD "the local server's `${server}`, otherwise null";
      description = ''
        File on this host that holds ${what} of whoever applies the stacks: somebody who may
        administer the server. It is read by systemd as root when a unit starts.
      '';
    };
in
{
  imports = [
    ./client/drift.nix
    ./client/plan.nix
    ./client/system.nix
    ./client/unit.nix
    ./client/watch.nix
  ];

  options.services.lakewright.client = {
    enable = lib.mkEnableOption "buckets, tables, users, policies, groups and service accounts as they are declared in {option}`services.lakewright.client.stacks`";

    package = lib.mkOption {
      type = lib.types.package;
      default =
        if lib.any (stack: stack.tables != { }) (lib.attrValues cfg.stacks) then
          pkgs.lakewright
        else
          pkgs.lakewright-minimal;
      defaultText = lib.literalMD "`pkgs.lakewright` where a stack declares tables, otherwise `pkgs.lakewright-minimal`, which is built without them";
      description = "What has `bin/lakewright`, for the units and for everybody's PATH.";
    };

    specPackage = lib.mkOption {
      type = lib.types.package;
      default = pkgs.buildPackages.lakewright-spec;
      defaultText = lib.literalExpression "pkgs.buildPackages.lakewright-spec";
      description = "What checks each stack's document when it is built, on the machine that builds.";
    };

    minioClientPackage = lib.mkOption {
      type = lib.types.package;
      default = pkgs.minio-client;
      defaultText = lib.literalExpression "pkgs.minio-client";
      description = "What has `bin/mc`, for everybody's PATH.";
    };

    stacks = lib.mkOption {
      type = lib.types.attrsOf (
        lib.types.submodule (import ./client/stack.nix { inherit config lib pkgs; })
      );
      default = { };
      description = ''
        What is declared, planned and applied together, by name. A stack owns what it made or took
        over; two stacks cannot declare one thing. Each has a unit `lakewright-client-NAME.service`,
        and they run one after the other.

        A stack that is taken out of the configuration leaves everything that it owns as it is, and
        nobody looks after it any more. As root, `lakewright-admin state` shows it,
        `lakewright-admin destroy --stack NAME` takes it away, and `lakewright-admin forget` gives
        single things up.
      '';
    };

    foreignBuckets = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [ "archive" ];
      description = ''
        Buckets that others keep. Grants and tables may name them; every other bucket that they
        name must be declared by a stack of this host.
      '';
    };

    endpoint = lib.mkOption {
      type = lib.types.nullOr url.type;
      default = ofServer "endpoint";
      defaultText = lib.literalMD "the local server's `endpoint` (under TLS with the certificate's name), otherwise null";
      example = "https://s3.example.org";
      description = "Where the server's S3 API is.";
    };

    region = lib.mkOption {
      type = lib.types.strMatching "[a-z][a-z0-9-]+";
      default = if server.enable then server.region else "us-east-1";
      defaultText = lib.literalMD "the local server's `region`, otherwise `us-east-1`";
      description = "Region that requests are signed for.";
    };

    caFile = lib.mkOption {
      type = lib.types.nullOr types.publicFile;
      default = null;
      example = "/var/lib/lake-ca/ca.pem";
      description = ''
        PEM file of certificates to trust besides the system's. The units read it as root when they
        start; {file}`/etc/lakewright/profiles.toml` names it, so operators must be able to read it.
      '';
    };

    credentials = {
      accessKeyIdFile = keyFile {
        what = "the access key";
        server = "rootUserFile";
      };
      secretAccessKeyFile = keyFile {
        what = "the secret key";
        server = "rootPasswordFile";
      };
    };

    readyTimeout = lib.mkOption {
      type = lib.types.ints.positive;
      default = 120;
      description = ''
        How many seconds a unit waits for the server to be ready before it fails. A stack is tried
        five times before its unit stays failed.
      '';
    };

    restartTriggers = lib.mkOption {
      type = lib.types.listOf lib.types.unspecified;
      default = [ ];
      example = lib.literalExpression "[ config.age.secrets.etl.file ]";
      description = ''
        When one of these changes, a switch runs the stacks' units again. A changed declaration does
        that by itself, and a changed file does too ({option}`services.lakewright.client.watchSecrets`);
        this is for what says so earlier. {option}`services.lakewright.age` fills it in.
      '';
    };

    operatorsGroup = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = "lakewright-operators";
      description = ''
        Group of this host whose members work on the server as
        {option}`services.lakewright.client.operatorsUser`: the group is made, and the profile
        `default` in {file}`/etc/lakewright/profiles.toml` names that user's secret file. The file
        must belong to this group and be readable by it (mode 0440). Who is not in the group and
        brings no keys (`LAKEWRIGHT_*` or a profile) is told that the file cannot be read. With null
        the profile says where the server is and everybody brings their own keys.
      '';
    };

    operatorsUser = lib.mkOption {
      type = lib.types.str;
      default = "operators";
      description = ''
        User of the server as whom operators work; a stack declares it. Give it no more than they
        need: root's keys are for the units alone.
      '';
    };

    # Other files ask for these.
    serverUnit = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      internal = true;
      readOnly = true;
      default = if isOurs then "lakewright-server.service" else null;
      description = "Unit of the server, where it runs on this host.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = spec.check { inherit (cfg) stacks foreignBuckets; } ++ [
      {
        assertion = cfg.endpoint != null;
        message = ''
          services.lakewright.client.endpoint: say where the server is; there is none on this host
          (services.lakewright.server.enable).
        '';
      }
      {
        assertion = cfg.credentials.accessKeyIdFile != null && cfg.credentials.secretAccessKeyFile != null;
        message = ''
          services.lakewright.client.credentials: name accessKeyIdFile and secretAccessKeyFile of
          somebody who may administer the server; there is none on this host whose root files could
          be taken.
        '';
      }
      {
        assertion =
          cfg.operatorsGroup != null
          -> lib.any (stack: stack.users ? ${cfg.operatorsUser}) (lib.attrValues cfg.stacks);
        message = ''
          services.lakewright.client.operatorsUser: no stack declares the user
          "${cfg.operatorsUser}", as whom the members of ${toString cfg.operatorsGroup} are to work.
        '';
      }
    ];
  };
}
