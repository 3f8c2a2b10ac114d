# Runs the unit of a stack again when one of its secrets has changed in any way.
#
# systemd's credentials are copies from the start of the unit. restartTriggers cover changes by a
# switch; this unit covers all others: files written by hand, sops-nix, a secret that arrived late.
# Contents are compared, because agenix rewrites all files at every switch, and units that require
# this one would be restarted with it.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.lakewright.client;
  command = import ./command.nix { inherit config lib pkgs; };
  stacks = lib.filterAttrs (_: stack: stack.enable) cfg.stacks;
  watched = import ../../lib/watched.nix { inherit lib; };
  unitOf = name: "lakewright-watch-${name}";
  eachUnit = f: lib.mapAttrs' (name: stack: lib.nameValuePair (unitOf name) (f name stack)) stacks;

  watch =
    name: stack:
    let
      client = "lakewright-client-${name}.service";
      changed =
        file: "differs ${lib.escapeShellArg file.file} /run/${unitOf name}/started/${file.credential}";
    in
    pkgs.writeShellApplication {
      name = "lakewright-watch";
      runtimeInputs = [
        pkgs.coreutils
        pkgs.diffutils
        pkgs.systemd
      ];
      text = builtins.readFile ../../lib/foreign-files.sh + ''
        # systemd does not check the paths while this unit runs, so a program that writes several
        # files has a moment to finish.
        sleep 1
        # A stopped unit stays stopped; a failed unit may have lacked just this file. (A unit that is
        # about to restart may exceed its start limit.)
        case $(systemctl show --property SubState --value ${client}) in
          exited)
            ${lib.concatMapStringsSep " || " changed (command.files stack)} || exit 0
            ;;
          failed | auto-restart*)
            systemctl reset-failed ${client}
            ;;
          *)
            exit
            ;;
        esac
        echo "lakewright: the files of ${client} have changed, so it runs again"
        systemctl restart --no-block ${client}
      '';
    };
in
{
  options.services.lakewright.client.watchSecrets = lib.mkOption {
    type = lib.types.bool;
    default = true;
    description = ''
      Whether a stack's unit runs again when one of its files (a secret, the connection's keys,
      `caFile`) has other contents than the unit was started with, and after a failure when one of
      them is written.
    '';
  };

  config = lib.mkIf (cfg.enable && cfg.watchSecrets) {
    systemd.paths = eachUnit (
      name: stack: {
        description = "Secrets of the stack ${name}";
        wantedBy = [ "multi-user.target" ];
        pathConfig.PathChanged = watched (map (file: file.file) (command.files stack));
      }
    );
    systemd.services = eachUnit (
      name: stack: {
        description = "Take up changed secrets of the stack ${name}";
        # The stack's unit may be reading the files at this moment.
        after = [ "lakewright-client-${name}.service" ];
        # Two files that change together cause two events.
        startLimitIntervalSec = 0;
        serviceConfig = import ../../lib/hardening.nix // {
          Type = "oneshot";
          ExecStart = lib.getExe (watch name stack);
          # The unit waits for nothing but the disk.
          TimeoutStartSec = 30;
          RuntimeDirectory = unitOf name;
          # The values that the stack's unit was started with. systemd hides /run/credentials from a
          # sandbox, so the unit's folder is bound explicitly.
          BindReadOnlyPaths = "-/run/credentials/lakewright-client-${name}.service:/run/${unitOf name}/started";
          # The unit reads files of any user, also in home directories, and queries systemd.
          ProtectHome = "read-only";
          CapabilityBoundingSet = "CAP_DAC_READ_SEARCH";
          PrivateUsers = false;
          PrivateNetwork = true;
          RestrictAddressFamilies = [ "AF_UNIX" ];
        };
      }
    );
  };
}
