# The targets of bucket events.
{
  config,
  lib,
  ...
}:
let
  cfg = config.services.lakewright.server;
  inherit (import ../../lib/types.nix { inherit lib; }) hostPath secretFile;
  values = import ./values.nix { inherit lib; };
  inherit (values) hasPassword literal;
  kinds = import ./notification-kinds.nix;

  variableOf =
    name: target: key:
    "MINIO_NOTIFY_${kinds.${target.kind}.variable}_${lib.toUpper key}_${name}";
  credentialOf = name: key: "notify-${name}-${key}";
  isFile = target: key: lib.elem key kinds.${target.kind}.files;

  # One attribute for each `part` of all targets that `keep` selects.
  perKey =
    part: keep: of:
    lib.concatMapAttrs (
      name: target:
      lib.concatMapAttrs (
        key: value: lib.optionalAttrs (keep target key) (of name target key value)
      ) target.${part}
    ) cfg.notificationTargets;
  always = _: _: true;

  faultsOf =
    name: target:
    let
      kind = kinds.${target.kind};
      known = kind.needs ++ kind.takes ++ kind.secrets ++ kind.files;
      plain = lib.attrNames target.settings;
      given = plain ++ lib.attrNames target.secretFiles;
      hidden = kind.secrets ++ kind.files;
      passwords = lib.filter (key: hasPassword target.settings.${key}) plain;
      fault = names: sentence: { inherit names sentence; };
    in
    map
      (fault: {
        assertion = fault.names == [ ];
        message = "services.lakewright.server.notificationTargets.${name}: ${fault.sentence} (${toString fault.names}).";
      })
      [
        (fault (lib.subtractLists known given) "${target.kind} does not know these settings")
        (fault (lib.subtractLists given kind.needs) "${target.kind} needs these settings too")
        (fault (lib.intersectLists hidden plain) "these would stand in the Nix store, give them in secretFiles")
        (fault passwords "these hold a password, which would stand in the Nix store, give them in secretFiles")
        (fault (lib.intersectLists plain (lib.attrNames target.secretFiles)) "these are in settings and in secretFiles")
      ];
  queues = lib.filter (queue: queue != null) (
    lib.mapAttrsToList (_: target: target.queueDir) cfg.notificationTargets
  );
in
{
  options.services.lakewright.server = {
    notificationTargets = lib.mkOption {
      default = { };
      example = {
        ingest = {
          kind = "webhook";
          settings.endpoint = "http://127.0.0.1:8080/events";
          secretFiles.auth_token = "/run/agenix/ingest-hook";
        };
      };
      description = ''
        Receivers of bucket events, by the names that end their ARNs. Declaring one does not send
        anything to it: that is the `notifications` of a bucket.
      '';
      type = lib.types.attrsOf (
        lib.types.submodule (
          { name, config, ... }:
          {
            options = {
              kind = lib.mkOption {
                type = lib.types.enum (lib.attrNames kinds);
                description = "Kind of the receiver.";
              };
              settings = lib.mkOption {
                type = lib.types.attrsOf values.type;
                default = { };
                example = {
                  endpoint = "http://127.0.0.1:8080/events";
                };
                description = ''
                  MinIO's settings of this kind: the names of its environment variables in small
                  letters (`MINIO_NOTIFY_WEBHOOK_ENDPOINT_…` is `endpoint`). Unknown and missing
                  ones are refused while evaluating, and so are those with secrets in them.
                '';
              };
              secretFiles = lib.mkOption {
                type = lib.types.attrsOf secretFile;
                default = { };
                example = {
                  auth_token = "/run/agenix/hook-token";
                };
                description = "Settings that come from files, each of which holds its value in one line; keys and seeds that MinIO reads as files as they are.";
              };
              queueDir = lib.mkOption {
                type = lib.types.nullOr hostPath;
                default = null;
                example = "/var/lib/minio/events";
                description = ''
                  Folder that keeps events while the receiver cannot be reached; it is made if it
                  is not there. With `null` such events are lost.
                '';
              };
              queueLimit = lib.mkOption {
                type = lib.types.ints.positive;
                default = 100000;
                description = "Most events that `queueDir` keeps.";
              };
              arn = lib.mkOption {
                type = lib.types.str;
                readOnly = true;
                default = "arn:minio:sqs:${cfg.region}:${name}:${config.kind}";
                defaultText = lib.literalMD "`arn:minio:sqs:REGION:NAME:KIND`";
                description = "Name of the receiver in the notifications of a bucket. Read-only.";
              };
            };
          }
        )
      );
    };

    notificationSecrets = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      internal = true;
      readOnly = true;
      default = lib.attrNames (
        perKey "secretFiles" (target: key: !(isFile target key)) (
          name: target: key: _: { ${variableOf name target key} = null; }
        )
      );
      description = "Variables among `secretSettings` that come from here.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions =
      lib.concatLists (lib.mapAttrsToList faultsOf cfg.notificationTargets)
      ++ lib.mapAttrsToList (name: _: {
        # The name becomes part of an environment variable, for which systemd allows only these
        # characters.
        assertion = builtins.match "[A-Za-z0-9_]+" name != null;
        message = "services.lakewright.server.notificationTargets.${name}: a target's name is of letters, digits and underscores.";
      }) cfg.notificationTargets;

    services.lakewright.server = {
      secretSettings = perKey "secretFiles" (target: key: !(isFile target key)) (
        name: target: key: file: { ${variableOf name target key} = file; }
      );
      credentials = perKey "secretFiles" isFile (
        name: _: key: file: { ${credentialOf name key} = file; }
      );
    };

    systemd.tmpfiles.settings."10-lakewright-server" = lib.genAttrs queues (_: {
      d = {
        user = "minio";
        group = "minio";
        mode = "0700";
      };
    });

    systemd.services.lakewright-server = {
      environment =
        lib.concatMapAttrs (
          name: target:
          {
            ${variableOf name target "enable"} = "on";
          }
          // lib.optionalAttrs (target.queueDir != null) {
            ${variableOf name target "queue_dir"} = target.queueDir;
            ${variableOf name target "queue_limit"} = toString target.queueLimit;
          }
        ) cfg.notificationTargets
        // perKey "settings" always (
          name: target: key: value: { ${variableOf name target key} = literal value; }
        )
        // perKey "secretFiles" isFile (
          name: target: key: _: { ${variableOf name target key} = "%d/${credentialOf name key}"; }
        );
      serviceConfig.ReadWritePaths = map (queue: "-${queue}") queues;
    };
  };
}
