# The unit and timer of each stack that compare the server with what is declared.
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
        (command.service (unitOf name) name stack)
        {
          description = "Drift from what is declared: the stack ${name}";
          after = [ "lakewright-client-${name}.service" ];
          # A server that starts anew just then, or another who applies, is no drift: asked again.
          startLimitBurst = 3;
          startLimitIntervalSec = 10 * 60;
          serviceConfig = {
            ExecStart =
              if stack.drift.action == "repair" then command.apply stack else command.drift name stack;
            Restart = "on-failure";
            RestartSec = 60;
            # 3 is drift, 2 a wrong question.
            RestartPreventExitStatus = "2 3";
            SuccessExitStatus = lib.mkIf (stack.drift.action == "log") 3;
          };
        }
      ]
    );

    systemd.timers = eachUnit (
      name: stack: {
        description = "When to look for drift: the stack ${name}";
        wantedBy = [ "timers.target" ];
        timerConfig = {
          OnCalendar = stack.drift.startAt;
          RandomizedDelaySec = "1min";
        };
      }
    );
  };
}
