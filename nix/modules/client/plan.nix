# Makes `nixos-rebuild dry-activate` print how the switch would change the server.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.lakewright.client;
  stacks = lib.filterAttrs (_: stack: stack.enable) cfg.stacks;
in
{
  config = lib.mkIf (cfg.enable && stacks != { }) {
    system.activationScripts.lakewright-plan = {
      supportsDryActivation = true;
      # A server that cannot be reached must not prevent a switch.
      text = ''
        if [ "''${NIXOS_ACTION:-}" = dry-activate ]; then
          ${lib.concatStrings (
            lib.mapAttrsToList (name: stack: ''
              echo "lakewright: what applying the stack ${name} would do:"
              ${pkgs.coreutils}/bin/timeout 60 ${lib.getExe stack.planScript} || echo "lakewright: the plan of ${name} cannot be made now"
            '') stacks
          )}
        fi
      '';
    };
  };
}
