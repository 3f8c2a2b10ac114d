# A changed secret runs its stack's unit again, whoever changed the file.
#
# systemd's credentials are copies from when a unit started. restartTriggers see what a switch
# changes; this sees the rest: files written by hand, sops-nix, a secret that came late. Contents
# are compared, because agenix writes all files anew at every switch, and whoever needs the unit
# would be restarted with it.
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

  watch = pkgs.writeShellApplication {
    name = "lakewright-watch";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.systemd
    ];
    text = ''
      unit=$1
      # systemd does not look while this runs, so whoever writes several files has a moment for it.
      sleep 1
      # Who was stopped stays so; who failed may have lacked just this. (Who is about to be started
      # again may find that it was started too often.)
      case $(systemctl show --property SubState --value "$unit.service") in
        exited)
          if sha256sum --check --status --ignore-missing "/run/$unit/files"; then exit; fi
          ;;
        failed | auto-restart*)
          systemctl reset-failed "$unit.service"
          ;;
        *)
          exit
          ;;
      esac
      echo "lakewright: the files of $unit have changed, so it runs again"
      systemctl restart --no-block "$unit.service"
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
      name: _: {
        description = "Take up changed secrets of the stack ${name}";
        # It may be reading them just now.
        after = [ "lakewright-client-${name}.service" ];
        # Two files that change together are two events.
        startLimitIntervalSec = 0;
        serviceConfig = import ../../lib/hardening.nix // {
          Type = "oneshot";
          ExecStart = "${lib.getExe watch} lakewright-client-${name}";
          # It reads files of whomever, in homes too, and asks systemd.
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
