# The unit of each stack, which makes the server what is declared.
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

  # One registry, one at a time: each waits for those before it in the alphabet.
  before = name: lib.filter (other: other < name) (lib.attrNames stacks);

  service =
    name: stack:
    lib.mkMerge [
      (command.service (unitOf name) name stack)
      {
        description = "Declared state: the stack ${name}";
        # Not Requires=: a server whose first start fails would leave this one undone for good.
        wants = if server == [ ] then [ "network-online.target" ] else server;
        after =
          (if server == [ ] then [ "network-online.target" ] else server)
          ++ map (other: "${unitOf other}.service") (before name);
        # Whenever the server starts, so does this: also when it failed before.
        wantedBy = [ "multi-user.target" ] ++ server;
        # Whenever the server is started anew, by hand or by systemd after a crash, so is this: it
        # may have come back with less than it had.
        partOf = server;
        inherit (cfg) restartTriggers;
        # Five attempts that fail, however long each takes.
        startLimitBurst = 5;
        startLimitIntervalSec = 5 * (command.timeout + retrySec);
        serviceConfig = {
          RemainAfterExit = true;
          ExecStartPre = lib.mkAfter [ command.wait ];
          # Says its plan before it acts on it.
          ExecStart = command.apply stack;
          # systemd counts every start: without this a server that is restarted often would leave
          # the stack failed.
          ExecStartPost = "+-${lib.getExe' pkgs.systemd "systemctl"} reset-failed %n";
          Restart = "on-failure";
          # With the others, longer than the lease of an attempt that was cut off.
          RestartSec = retrySec;
          # 2 is a wrong question: to ask it again is of no use.
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
