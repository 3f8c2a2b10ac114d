# A host with a stack of everything. Tests add a module to it.
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
  # The messages of all assertions that do not hold.
  failed = map (check: check.message) (
    standIn.lib.filter (check: !check.assertion) host.config.assertions
  );
}
