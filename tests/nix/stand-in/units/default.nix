# Generates /etc/systemd/system and /etc/tmpfiles.d from config.systemd.
{
  config,
  lib,
  pkgs,
  utils,
  ...
}:
let
  cfg = config.systemd;
  inherit (import ./text.nix { inherit config lib pkgs; }) textOf textOfService;

  plain =
    section: unit:
    unit
    // {
      text = textOf unit (lib.optionalAttrs (section != null) { ${section.title} = section.of unit; });
    };
  sectioned =
    title: attribute: units:
    map (plain {
      inherit title;
      of = unit: unit.${attribute};
    }) (lib.attrValues units);

  timersOfServices = lib.mapAttrsToList (name: service: {
    name = "${name}.timer";
    value = {
      wantedBy = [ "timers.target" ];
      timerConfig.OnCalendar = service.startAt;
    };
  }) (lib.filterAttrs (_: service: service.enable && service.startAt != [ ]) cfg.services);

  units =
    map (unit: unit // { text = textOfService unit; }) (lib.attrValues cfg.services)
    ++ map (plain null) (lib.attrValues cfg.targets)
    ++ sectioned "Timer" "timerConfig" cfg.timers
    ++ sectioned "Path" "pathConfig" cfg.paths
    ++ sectioned "Slice" "sliceConfig" cfg.slices
    ++ map (plain {
      title = "Socket";
      of = unit: { ListenStream = unit.listenStreams; } // unit.socketConfig;
    }) (lib.attrValues cfg.sockets)
    ++ map (
      unit:
      plain {
        title = "Mount";
        of =
          unit:
          {
            What = unit.what;
            Where = unit.where;
            ${if unit.type != "" then "Type" else null} = unit.type;
            ${if unit.options != "" then "Options" else null} = unit.options;
          }
          // unit.mountConfig;
      } (unit // { name = "${utils.escapeSystemdPath unit.where}.mount"; })
    ) cfg.mounts;

  # The shell commands that write one unit, and the links of the units that want it, to $out.
  install =
    unit:
    let
      name = lib.escapeShellArg unit.name;
      file = pkgs.writeTextDir (lib.replaceStrings [ "\\" "@" ] [ "-" "-" ] unit.name) unit.text;
      links =
        suffix: targets:
        lib.concatMapStrings (target: ''
          mkdir -p "$out"/${lib.escapeShellArg target}.${suffix}
          ln -sfn ../${name} "$out"/${lib.escapeShellArg target}.${suffix}/${name}
        '') targets;
    in
    if !unit.enable then
      ''
        ln -sfn /dev/null "$out"/${name}
      ''
    else if unit.overrideStrategy == "asDropin" then
      ''
        mkdir -p "$out"/${name}.d
        ln -sfn ${file}/* "$out"/${name}.d/overrides.conf
      ''
    else
      ''
        ln -sfn ${file}/* "$out"/${name}
      ''
      + lib.concatMapStrings (alias: ''
        ln -sfn ${name} "$out"/${lib.escapeShellArg alias}
      '') unit.aliases
      + links "wants" unit.wantedBy
      + links "requires" unit.requiredBy
      + links "upholds" unit.upheldBy;

  tmpfiles =
    cfg.tmpfiles.settings
    // lib.optionalAttrs (cfg.tmpfiles.rules != [ ]) { "00-nixos" = cfg.tmpfiles.rules; };
  tmpfilesLines =
    rules:
    if lib.isList rules then
      rules
    else
      lib.concatLists (
        lib.mapAttrsToList (
          path: kinds:
          lib.mapAttrsToList (
            _: rule:
            "${rule.type} ${
              lib.strings.escapeC [ "\t" " " ] path
            } ${rule.mode} ${rule.user} ${rule.group} ${rule.age} ${rule.argument}"
          ) kinds
        ) rules
      );
in
{
  config = {
    systemd.timers = lib.mkMerge (
      map (timer: {
        ${lib.removeSuffix ".timer" timer.name} = timer.value;
      }) timersOfServices
    );
    # Debian's default target is the graphical one.
    systemd.targets.default-target = {
      name = "default.target";
      description = "Default";
      requires = [ "multi-user.target" ];
      after = [ "multi-user.target" ];
      unitConfig.AllowIsolate = true;
    };
    # Units before basic.target that run again after a switch.
    systemd.targets.sysinit-reactivation.description = "Reactivate sysinit units";

    environment.etc = {
      "systemd/system".source = pkgs.runCommand "system-units" { } ''
        mkdir -p "$out"
        for package in ${toString cfg.packages}; do
          for folder in "$package"/etc/systemd/system "$package"/lib/systemd/system; do
            if [[ -d $folder ]]; then cp -rs --no-preserve=mode "$folder"/. "$out"/; fi
          done
        done
        ${lib.concatMapStrings install units}
      '';
    }
    // lib.mapAttrs' (name: rules: {
      name = "tmpfiles.d/${name}.conf";
      value.text = lib.concatLines (tmpfilesLines rules);
    }) tmpfiles;
  };
}
