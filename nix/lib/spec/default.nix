# What can be declared, as NixOS option types, and the document that it becomes.
#
# The field names of the document are the option names in snake_case; tests/nix holds both to
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
  check = import ./check.nix { inherit lib; };
}
// import ./document.nix { inherit lib resources; }
