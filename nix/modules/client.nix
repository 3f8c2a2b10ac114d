# Declared state on a server, on this or another host: `services.lakewright.client`.
#
# This file has the options of the connection and its credentials. The options of a stack are in
# ./client/stack.nix; each other file of ./client generates one kind of unit or file from the
# stacks.
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
  # The server's module may not be imported.
  server = config.services.lakewright.server or { enable = false; };
  ofServer = name: if server.enable then server.${name} else null;
  # Whether the endpoint is this host's server, in any notation.
  isOurs =
    let
      asked = url.parse cfg.endpoint;
      known = map url.parse (
        lib.filter (known: known != null) [
          server.endpoint
          server.url
        ]
      );
      # Names of the server that are valid on this host.
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

  # The local server's keys and region are defaults for the local server only. At another endpoint
  # its root keys would be presented to a foreign host.
  ofOurs = name: if isOurs then server.${name} else null;

  keyFile =
    { what, server }:
    lib.mkOption {
      type = lib.types.nullOr types.secretFile;
      default = ofOurs server;
      defaultText = lib.literalMD "the local server's `${server}` if `endpoint` is the local server, otherwise null";
      description = ''
        File on this host that holds ${what} of the user that applies the stacks and that may
        administer the server. systemd reads it as root when a unit starts.
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
      description = "Package with `bin/lakewright`, for the units and for the PATH of all users.";
    };

    specPackage = lib.mkOption {
      type = lib.types.package;
      default = pkgs.buildPackages.lakewright-spec;
      defaultText = lib.literalExpression "pkgs.buildPackages.lakewright-spec";
      description = "Package that checks each stack's spec when it is built, on the machine that builds.";
    };

    minioClientPackage = lib.mkOption {
      type = lib.types.package;
      default = pkgs.minio-client;
      defaultText = lib.literalExpression "pkgs.minio-client";
      description = "Package with `bin/mc`, for the PATH of all users.";
    };

    stacks = lib.mkOption {
      type = lib.types.attrsOf (
        lib.types.submodule (import ./client/stack.nix { inherit config lib pkgs; })
      );
      default = { };
      description = ''
        Sets of resources that are planned and applied together, by name. A stack owns the resources
        that it created or adopted; two stacks cannot declare the same resource. Each has a unit `lakewright-client-NAME.service`,
        and they run one after the other.

        A stack that is removed from the configuration leaves all its resources unchanged and no
        longer managed. As root, `lakewright-admin state` shows them,
        `lakewright-admin destroy --stack NAME` deletes them, and `lakewright-admin forget` gives up
        the ownership of single resources.
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
      default = if isOurs then server.region else "us-east-1";
      defaultText = lib.literalMD "the local server's `region` if `endpoint` is the local server, otherwise `us-east-1`";
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

    registryKeyFile = lib.mkOption {
      type = lib.types.nullOr types.secretFile;
      default = null;
      example = lib.literalExpression "config.age.secrets.registry-key.path";
      description = ''
        File on this host with a random text of 16 bytes or more, with which the entries of the
        registry are sealed. A user of the server who may only write to the registry's bucket can
        then have nothing deleted or changed. It should be set where a stack has
        `prune = "delete"`. Where stacks were applied before it was set, or with another key,
        `lakewright-admin seal --stack NAME` is needed once for each. Every host that applies the
        same stack needs the same key.
      '';
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
        this option is for earlier notice. {option}`services.lakewright.age` fills it in.
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
        must belong to this group and be readable by it (mode 0440). A user who is not in the group
        and has no other credentials (`LAKEWRIGHT_*` or a profile) gets the error that the file
        cannot be read. With null the profile has only the endpoint, and users need credentials of
        their own.
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

    # Internal options that other files read.
    serverUnit = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      internal = true;
      readOnly = true;
      default = if isOurs then "lakewright-server.service" else null;
      description = "Unit of the server, where it runs on this host.";
    };
  };

  config = lib.mkIf cfg.enable {
    warnings = spec.warnings cfg.stacks;
    assertions = spec.assertions { inherit (cfg) stacks foreignBuckets; } ++ [
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
          services.lakewright.client.credentials: name accessKeyIdFile and secretAccessKeyFile of a
          user who may administer the server at ${toString cfg.endpoint}. Only an endpoint that is
          the server of this host has defaults, the root files of that server.
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
