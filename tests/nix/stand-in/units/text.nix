# The text of a unit file, with the X- lines of NixOS, which switch-to-configuration evaluates.
{
  config,
  lib,
  pkgs,
}:
let
  setting = value: if lib.isBool value then lib.boolToString value else toString value;
  linesOf =
    name: value:
    if value == null then
      ""
    else if lib.isList value then
      lib.concatMapStrings (linesOf name) value
    else
      "${name}=${setting value}\n";
  sectionOf =
    title: settings: "[${title}]\n${lib.concatStrings (lib.mapAttrsToList linesOf settings)}";

  # Triggers are in a separate file, and the unit contains its path.
  triggerFile =
    kind: unit: triggers:
    "${pkgs.writeText "${kind}-${lib.strings.sanitizeDerivationName unit.name}" (
      lib.concatMapStringsSep " " (
        trigger: if builtins.isPath trigger then "${trigger}" else toString trigger
      ) (lib.flatten triggers)
    )}";

  words = lib.concatStringsSep " ";
  unitSection =
    unit:
    lib.mapAttrs (_: words) (
      lib.filterAttrs (_: names: names != [ ]) {
        Requires = unit.requires;
        Wants = unit.wants;
        Upholds = unit.upholds;
        After = unit.after;
        Before = unit.before;
        BindsTo = unit.bindsTo;
        PartOf = unit.partOf;
        Conflicts = unit.conflicts;
        Requisite = unit.requisite;
        OnSuccess = unit.onSuccess;
        OnFailure = unit.onFailure;
        Documentation = unit.documentation;
      }
    )
    // lib.optionalAttrs (unit.description != "") { Description = unit.description; }
    // lib.optionalAttrs (unit.startLimitBurst != null) { StartLimitBurst = unit.startLimitBurst; }
    // lib.optionalAttrs (unit.startLimitIntervalSec != null) {
      StartLimitIntervalSec = unit.startLimitIntervalSec;
    }
    // lib.optionalAttrs (unit.restartTriggers != [ ]) {
      X-Restart-Triggers = triggerFile "X-Restart-Triggers" unit unit.restartTriggers;
    }
    // lib.optionalAttrs (unit.reloadTriggers != [ ]) {
      X-Reload-Triggers = triggerFile "X-Reload-Triggers" unit unit.reloadTriggers;
    }
    // unit.unitConfig;

  textOf =
    unit: sections:
    lib.concatStringsSep "\n" (lib.mapAttrsToList sectionOf ({ Unit = unitSection unit; } // sections));

  # Each of `script`, `preStart` and the like becomes a program.
  program =
    unit: part: text:
    "${pkgs.writeShellScript "${lib.strings.sanitizeDerivationName (lib.removeSuffix ".service" unit.name)}-${part}" "set -e\n${text}"}";
  programs =
    unit:
    lib.filterAttrs (_: list: list != [ ]) {
      ExecStart =
        lib.optional (unit.script != "")
          "${program unit "start" unit.script} ${unit.scriptArgs}";
      ExecStartPre = lib.optional (unit.preStart != "") (program unit "pre-start" unit.preStart);
      ExecStartPost = lib.optional (unit.postStart != "") (program unit "post-start" unit.postStart);
      ExecStop = lib.optional (unit.preStop != "") (program unit "pre-stop" unit.preStop);
      ExecStopPost = lib.optional (unit.postStop != "") (program unit "post-stop" unit.postStop);
      ExecReload = lib.optional (unit.reload != "") (program unit "reload" unit.reload);
    };

  path =
    unit:
    unit.path
    ++ lib.optionals unit.enableDefaultPath [
      pkgs.coreutils
      pkgs.findutils
      pkgs.gnugrep
      pkgs.gnused
      pkgs.systemd
    ];
  environment =
    unit:
    config.systemd.globalEnvironment
    // lib.optionalAttrs (path unit != [ ]) {
      PATH = "${lib.makeBinPath (path unit)}:${lib.makeSearchPath "sbin" (path unit)}";
    }
    // unit.environment;
  switching =
    unit:
    lib.optionalAttrs (!unit.restartIfChanged) { X-RestartIfChanged = false; }
    // lib.optionalAttrs unit.reloadIfChanged { X-ReloadIfChanged = true; }
    // lib.optionalAttrs (!unit.stopIfChanged) { X-StopIfChanged = false; }
    // lib.optionalAttrs unit.notSocketActivated { X-NotSocketActivated = true; };
in
{
  inherit textOf;
  textOfService =
    unit:
    textOf unit {
      Service =
        lib.zipAttrsWith
          (_: values: if lib.length values == 1 then lib.head values else lib.concatMap lib.toList values)
          [
            {
              Environment = lib.mapAttrsToList (name: value: builtins.toJSON "${name}=${value}") (
                lib.filterAttrs (_: value: value != null) (environment unit)
              );
            }
            (switching unit)
            (programs unit)
            unit.serviceConfig
          ];
    };
}
