# What the server may do on the host: listen, talk, and write to its drives (ReadWritePaths in
# ./drives.nix) and its runtime directory.
#
# `systemd-analyze security` finds 1.1. What it still counts, and why:
# - the host's network, Internet sockets, no IP allow list: serving them is the job. Who may come is
#   the firewall's to say; IPAddressAllow can be added to the unit.
# - AF_UNIX: readiness is told through it, names are resolved through it, the journal is behind it.
#   AF_NETLINK: MinIO asks for the host's own addresses, to know which drives of a pool are its own.
# - ProcSubset: MinIO reads memory and load from /proc to size itself and for its metrics.
# - RootDirectory: the program and its libraries are in the host's /nix/store.
# - DeviceAllow: ProtectClock itself allows the clock to be read; there are no others.
# With a port below 1024 it finds a bit more: see below.
{
  config,
  lib,
  ...
}:
let
  cfg = config.services.lakewright.server;
  lowPort = cfg.listen.port < 1024 || (cfg.console.enable && cfg.console.port < 1024);
in
{
  config.systemd.services.lakewright-server.serviceConfig = lib.mkIf cfg.enable (
    import ../../lib/hardening.nix
    // {
      RestrictAddressFamilies = [
        "AF_INET"
        "AF_INET6"
        "AF_UNIX"
        "AF_NETLINK"
      ];
    }
    // lib.optionalAttrs lowPort {
      AmbientCapabilities = "CAP_NET_BIND_SERVICE";
      CapabilityBoundingSet = "CAP_NET_BIND_SERVICE";
      # In a user namespace of its own the capability would count for nothing.
      PrivateUsers = false;
    }
  );
}
