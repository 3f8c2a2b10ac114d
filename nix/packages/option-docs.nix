# The options of our modules as NixOS's own documentation shows them. nix/OPTIONS.md is the same for
# readers of the repository.
{ lib, nixosOptionsDoc }:
let
  root = toString ../..;
  relative = declaration: lib.removePrefix "${root}/" (toString declaration);
in
(nixosOptionsDoc {
  inherit (import ../lib/options.nix { inherit lib; }) options;
  transformOptions = option: option // { declarations = map relative option.declarations; };
}).optionsCommonMark
