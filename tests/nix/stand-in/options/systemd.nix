# systemd's units, with the names and types of NixOS.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  inherit (types) listOf str;

  names = mkOption {
    type = listOf str;
    default = [ ];
  };

  # A setting with a single value or a list of values.
  settingType = lib.mkOptionType {
    name = "systemd setting";
    check =
      value:
      let
        atom =
          value:
          value == null || lib.isStringLike value || lib.isInt value || lib.isBool value || lib.isFloat value;
      in
      atom value || (lib.isList value && lib.all atom value);
    merge =
      loc: defs:
      if lib.any (def: lib.isList def.value) defs then
        lib.concatMap (def: lib.toList def.value) defs
      else
        lib.mergeEqualOption loc defs;
  };
  section = mkOption {
    type = types.attrsOf settingType;
    default = { };
  };
  lines = mkOption {
    type = types.lines;
    default = "";
  };
  flag =
    default:
    mkOption {
      type = types.bool;
      inherit default;
    };
  triggers = mkOption {
    type = listOf types.unspecified;
    default = [ ];
  };

  common = {
    enable = flag true;
    name = mkOption { type = str; };
    overrideStrategy = mkOption {
      type = types.enum [
        "asDropinIfExists"
        "asDropin"
      ];
      default = "asDropinIfExists";
    };
    description = mkOption {
      type = types.singleLineStr;
      default = "";
    };
    documentation = names;
    requires = names;
    wants = names;
    upholds = names;
    after = names;
    before = names;
    bindsTo = names;
    partOf = names;
    conflicts = names;
    requisite = names;
    onSuccess = names;
    onFailure = names;
    wantedBy = names;
    requiredBy = names;
    upheldBy = names;
    aliases = names;
    unitConfig = section;
    restartTriggers = triggers;
    reloadTriggers = triggers;
    startLimitBurst = mkOption {
      type = types.nullOr types.int;
      default = null;
    };
    startLimitIntervalSec = mkOption {
      type = types.nullOr (types.either types.int str);
      default = null;
    };
  };

  service = {
    options = common // {
      environment = mkOption {
        type =
          let
            value = types.nullOr (
              types.oneOf [
                str
                types.path
                types.package
              ]
            );
          in
          types.attrsOf value;
        default = { };
      };
      path = mkOption {
        type = listOf (
          types.oneOf [
            types.package
            str
          ]
        );
        default = [ ];
      };
      serviceConfig = section;
      script = lines;
      scriptArgs = mkOption {
        type = str;
        default = "";
      };
      preStart = lines;
      postStart = lines;
      preStop = lines;
      postStop = lines;
      reload = lines;
      restartIfChanged = flag true;
      reloadIfChanged = flag false;
      stopIfChanged = flag true;
      notSocketActivated = flag false;
      enableDefaultPath = flag true;
      enableStrictShellChecks = flag false;
      startAt = mkOption {
        type = types.coercedTo str lib.singleton (listOf str);
        default = [ ];
      };
    };
  };

  # Units of `kind`; the file name is the attribute name followed by the kind.
  units =
    kind: module:
    mkOption {
      default = { };
      type = types.attrsOf (
        types.submodule [
          module
          ({ name, ... }: { config.name = lib.mkDefault "${name}.${kind}"; })
        ]
      );
    };
  withSection = name: {
    options = common // {
      ${name} = section;
    };
  };
in
{
  options.systemd = {
    services = units "service" service;
    targets = units "target" { options = common; };
    timers = units "timer" (withSection "timerConfig");
    paths = units "path" (withSection "pathConfig");
    slices = units "slice" (withSection "sliceConfig");
    sockets = units "socket" {
      options = common // {
        socketConfig = section;
        listenStreams = names;
      };
    };
    # The file name of a mount unit is derived from its mount point.
    mounts = mkOption {
      default = [ ];
      type = listOf (
        types.submodule {
          options = common // {
            what = mkOption { type = str; };
            where = mkOption { type = str; };
            type = mkOption {
              type = str;
              default = "";
            };
            options = mkOption {
              type = str;
              default = "";
            };
            mountConfig = section;
          };
        }
      );
    };
    packages = mkOption {
      type = listOf types.package;
      default = [ ];
    };
    globalEnvironment = mkOption {
      type = types.attrsOf (types.nullOr str);
      default = { };
    };
    tmpfiles.rules = names;
    tmpfiles.settings = mkOption {
      default = { };
      type = types.attrsOf (
        types.attrsOf (
          types.attrsOf (
            types.submodule (
              { name, ... }:
              {
                options =
                  lib.genAttrs
                    [
                      "mode"
                      "user"
                      "group"
                      "age"
                    ]
                    (
                      _:
                      mkOption {
                        type = str;
                        default = "-";
                      }
                    )
                  // {
                    argument = mkOption {
                      type = str;
                      default = "";
                    };
                    type = mkOption {
                      type = str;
                      default = name;
                    };
                  };
              }
            )
          )
        )
      );
    };
  };
}
