# The unit of each stack, which applies its spec to the server.
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
  unitOf = name: "lakewright-client-${name}";
  retrySec = 10;
  server = lib.optional (cfg.serverUnit != null) cfg.serverUnit;

  # Stacks share one registry and are applied one at a time, in alphabetical order.
  before = name: lib.filter (other: other < name) (lib.attrNames stacks);

  service =
    name: stack:
    lib.mkMerge [
      (command.service name stack)
      {
        description = "Declared state: the stack ${name}";
        # Requires= is not used: if the first start of the server failed, this unit would never run.
        wants = if server == [ ] then [ "network-online.target" ] else server;
        after =
          (if server == [ ] then [ "network-online.target" ] else server)
          ++ map (other: "${unitOf other}.service") (before name);
        # The unit starts whenever the server starts, even if it failed before.
        wantedBy = [ "multi-user.target" ] ++ server;
        # The unit restarts whenever the server restarts, by hand or by systemd after a crash,
        # because the server may have lost data.
        partOf = server;
        inherit (cfg) restartTriggers;
        # The limit is five failed attempts, however long each takes.
        startLimitBurst = 5;
        startLimitIntervalSec = 5 * (command.timeout + retrySec);
        serviceConfig = {
          RemainAfterExit = true;
          ExecStartPre = lib.mkAfter [ command.wait ];
          # Prints the plan before applying it.
          ExecStart = command.apply stack;
          # systemd counts every start: without this reset, frequent restarts of the server would
          # put the stack into the failed state. The command runs as root in the environment of the
          # unit, so nothing of that may come from a file that the unit's user can write.
          ExecStartPost = "+-${lib.getExe' pkgs.systemd "systemctl"} reset-failed %n";
          Restart = "on-failure";
          # Together the delays are longer than the lease of an attempt that was interrupted.
          RestartSec = retrySec;
          # Exit code 2 is an invalid request, for which a retry is useless.
          RestartPreventExitStatus = 2;
        };
      }
    ];
in
{
  config = lib.mkIf cfg.enable {
    systemd.services = lib.mapAttrs' (
      name: stack: lib.nameValuePair (unitOf name) (service name stack)
    ) stacks;
  };
}
