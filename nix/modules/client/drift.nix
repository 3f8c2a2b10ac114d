# The unit and timer of each stack that compare the server with the declared state.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.lakewright.client;
  command = import ./command.nix { inherit config lib pkgs; };
  stacks = lib.filterAttrs (_: stack: stack.enable && stack.drift.enable) cfg.stacks;
  unitOf = name: "lakewright-drift-${name}";
  eachUnit = f: lib.mapAttrs' (name: stack: lib.nameValuePair (unitOf name) (f name stack)) stacks;
in
{
  config = lib.mkIf cfg.enable {
    systemd.services = eachUnit (
      name: stack:
      lib.mkMerge [
        (command.service name stack)
        {
          description = "Drift from what is declared: the stack ${name}";
          after = [ "lakewright-client-${name}.service" ];
          # The timer may start the unit as often as it is configured to.
          startLimitIntervalSec = 0;
          serviceConfig = {
            # A server that is restarting at this moment is not drift.
            ExecStartPre = lib.mkAfter [ command.wait ];
            ExecStart = if stack.drift.action == "repair" then command.apply stack else command.drift stack;
            # The exit code of drift is 3.
            SuccessExitStatus = lib.mkIf (stack.drift.action == "log") 3;
          };
        }
      ]
    );

    # An invalid calendar expression would otherwise be reported only on the host, by the timer.
    system.checks = lib.mapAttrsToList (
      name: stack:
      pkgs.runCommand "lakewright-drift-calendar-${name}" { } ''
        ${lib.getExe' pkgs.buildPackages.systemd "systemd-analyze"} calendar \
          ${lib.escapeShellArg stack.drift.startAt} >/dev/null
        touch "$out"
      ''
    ) stacks;

    systemd.timers = eachUnit (
      name: stack: {
        description = "When to check for drift: the stack ${name}";
        wantedBy = [ "timers.target" ];
        timerConfig = {
          OnCalendar = stack.drift.startAt;
          RandomizedDelaySec = "1min";
        };
      }
    );
  };
}
