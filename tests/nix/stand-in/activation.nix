# The system, which NixOS calls toplevel, with its scripts.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  scripts = config.system.activationScripts;

  # The scripts run in the order of their deps. A failed script does not prevent the others, and the
  # activation returns its exit code.
  activation =
    chosen:
    let
      script = name: _: {
        inherit (chosen.${name}) deps;
        text = ''
          #### Activation script snippet ${name}:
          _localstatus=0
          ${chosen.${name}.text}

          if (( _localstatus > 0 )); then
            printf "Activation script snippet '%s' failed (%s)\n" ${lib.escapeShellArg name} "$_localstatus"
          fi
        '';
      };
    in
    ''
      systemConfig='@out@'
      export PATH=/usr/sbin:/usr/bin:/sbin:/bin
      _status=0
      trap "_status=1 _localstatus=\$?" ERR
      umask 0022
      ${lib.textClosureMap (text: text) (lib.mapAttrs script chosen) (lib.attrNames chosen)}
    '';
  # A script that a dry activation skips still keeps its place in the order.
  dry = lib.mapAttrs (
    _: script: if script.supportsDryActivation then script else script // { text = ""; }
  ) scripts;

  # Starts the system as NixOS does: activation, then systemd.
  init = ''
    echo "<<< stage 2 >>>"
    mkdir -p /run /var/log
    ln -sfn '@out@' /run/booted-system
    NIXOS_ACTION=boot '@out@'/activate
    exec /lib/systemd/systemd "$@"
  '';

  failed = map (check: check.message) (lib.filter (check: !check.assertion) config.assertions);
  checked =
    system:
    if failed != [ ] then
      throw "\nFailed assertions:\n${lib.concatMapStringsSep "\n" (message: "- ${message}") failed}"
    else
      lib.showWarnings config.warnings system;

  sw = pkgs.symlinkJoin {
    name = "system-path";
    paths = config.environment.systemPackages ++ config.environment.corePackages;
  };
in
{
  config = {
    system.activationScripts = {
      stdio.text = "";
      specialfs.text = "";
      specialfs.deps = [ "stdio" ];
      binsh.text = "";
      usrbinenv.text = "";
      var.text = "mkdir -p /var/tmp /var/empty";
      hostname.text = "";
      modprobe.text = "";
      udevd.text = "";
    };

    system.build.toplevel = checked (
      pkgs.runCommand "nixos-system-${config.system.name}-${config.system.stateVersion}"
        {
          activate = "#!/bin/bash\n${activation scripts}\nln -sfn '@out@' /run/current-system\nexit $_status\n";
          dryActivate = "#!/bin/bash\n${activation dry}\nexit $_status\n";
          init = "#!/bin/bash\n${init}";
          passAsFile = [
            "activate"
            "dryActivate"
            "init"
          ];
          # A failed check fails the build of the system.
          checks = map toString (config.system.checks ++ config.system.extraDependencies);
        }
        ''
          mkdir -p "$out/bin" "$out/specialisation"
          ln -s ${config.system.build.etc} "$out/etc"
          ln -s ${sw} "$out/sw"
          install() {
            sed "s|@out@|$out|g" "$1" > "$2"
            chmod +x "$2"
            bash -n "$2"
          }
          install "$activatePath" "$out/activate"
          install "$dryActivatePath" "$out/dry-activate"
          install "$initPath" "$out/init"
          sed "s|@out@|$out|g" ${./switch-to-configuration.py} > "$out/bin/switch-to-configuration"
          chmod +x "$out/bin/switch-to-configuration"
          ${lib.concatStrings (
            lib.mapAttrsToList (name: child: ''
              ln -s ${child.configuration.system.build.toplevel} "$out"/specialisation/${lib.escapeShellArg name}
            '') config.specialisation
          )}
        ''
    );
  };
}
