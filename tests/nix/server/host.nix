# A host with a server whose secrets are plain files. Tests add a module to it.
module:
let
  standIn = import ../stand-in { };
  host = standIn.evalHost {
    modules = [
      ../../../nix/modules
      {
        services.lakewright.server = {
          enable = true;
          rootUserFile = standIn.lib.mkDefault "/run/secrets/root-user";
          rootPasswordFile = standIn.lib.mkDefault "/run/secrets/root-password";
        };
      }
      module
    ];
  };
in
host
// rec {
  inherit (standIn) lib;
  server = host.config.services.lakewright.server;
  unit = host.config.systemd.services.lakewright-server;
  # The messages of all failed assertions.
  failed = map (check: check.message) (
    standIn.lib.filter (check: !check.assertion) host.config.assertions
  );
  # The check before the start, as a program.
  check = standIn.lib.last (standIn.lib.toList unit.serviceConfig.ExecStartPre);
}
