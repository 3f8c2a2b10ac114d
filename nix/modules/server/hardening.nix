# The sandbox of the server. It may listen, connect, and write to its drives (ReadWritePaths in
# ./drives.nix) and its runtime directory.
#
# `systemd-analyze security` reports an exposure of 1.1. The remaining findings and their reasons:
#
# - The host's network, Internet sockets, no IP allow list: the server needs them. Access is
#   restricted by the firewall; IPAddressAllow can be added to the unit.
# - AF_UNIX: used for readiness, name resolution and the journal. AF_NETLINK: MinIO reads the host's
#   own addresses to find its own drives in a pool.
# - ProcSubset: MinIO reads memory and load from /proc for its sizing and metrics.
# - RootDirectory: the program and its libraries are in the host's /nix/store.
# - DeviceAllow: ProtectClock itself allows reading the clock; there are no other devices.
#
# With a port below 1024 the exposure is slightly higher, see below.
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
      # In a private user namespace the capability would have no effect.
      PrivateUsers = false;
    }
  );
}
