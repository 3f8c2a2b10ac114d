# The declarable resources as NixOS option types, and their conversion to a spec.
#
# The fields of the spec are the option names in snake_case; tests/nix compares both with
# crates/lakewright-core/spec.schema.json.
{ lib }:
let
  types = import ./types.nix { inherit lib; };
  resource = file: import file { inherit lib types; };
  resources = {
    bucket = resource ./bucket.nix;
    group = resource ./group.nix;
    policy = resource ./policy.nix;
    serviceAccount = resource ./service-account.nix;
    table = resource ./table.nix;
    user = resource ./user.nix;
  };
in
{
  inherit types resources;
  stack = import ./stack.nix { inherit lib resources; };
  inherit (import ./check.nix { inherit lib; }) assertions warnings;
}
// import ./document.nix { inherit lib resources; }
