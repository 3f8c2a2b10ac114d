# A host with a stack that has every kind of resource. Tests add a module to it.
module:
let
  standIn = import ../stand-in { };
  host = standIn.evalHost {
    modules = [
      ../../../nix/modules/client.nix
      ./lake.nix
      module
    ];
  };
in
host
// {
  inherit (standIn) lib;
  # The messages of all failed assertions.
  failed = map (check: check.message) (
    standIn.lib.filter (check: !check.assertion) host.config.assertions
  );
}
