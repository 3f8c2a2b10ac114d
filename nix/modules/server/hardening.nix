# What the server may do on the host: listen, talk, and write to its drives.
{
  config,
  lib,
  ...
}:
let
  cfg = config.services.lakewright.server;
  lowPort = cfg.listen.port < 1024 || (cfg.console.enable && cfg.console.port < 1024);
  capabilities = lib.optional lowPort "CAP_NET_BIND_SERVICE";
in
{
  config.systemd.services.lakewright-server.serviceConfig = lib.mkIf cfg.enable {
    # The only places it can write to are in ReadWritePaths and its runtime directory.
    ProtectSystem = "strict";
    ProtectHome = true;
    PrivateTmp = true;
    PrivateMounts = true;
    UMask = "0077";

    CapabilityBoundingSet = if lowPort then capabilities else "";
    AmbientCapabilities = if lowPort then capabilities else "";
    NoNewPrivileges = true;
    # In a user namespace of its own the capability for low ports would count for nothing.
    PrivateUsers = !lowPort;

    PrivateDevices = true;
    DevicePolicy = "closed";
    ProtectClock = true;
    ProtectControlGroups = true;
    ProtectHostname = true;
    ProtectKernelLogs = true;
    ProtectKernelModules = true;
    ProtectKernelTunables = true;
    ProtectProc = "invisible";

    LockPersonality = true;
    MemoryDenyWriteExecute = true;
    RemoveIPC = true;
    RestrictNamespaces = true;
    RestrictRealtime = true;
    RestrictSUIDSGID = true;
    RestrictAddressFamilies = [
      "AF_INET"
      "AF_INET6"
      # notify, and the journal
      "AF_UNIX"
      # the host's own addresses
      "AF_NETLINK"
    ];
    SystemCallArchitectures = "native";
    SystemCallFilter = [
      "@system-service"
      "~@privileged @resources"
    ];
    # MinIO tries to raise its limits and goes on without.
    SystemCallErrorNumber = "EPERM";
  };
}
