# The options of the modules in the format of NixOS's documentation. nix/OPTIONS.md has the same
# content for readers of the repository.
{ lib, nixosOptionsDoc }:
let
  root = toString ../..;
  relative = declaration: lib.removePrefix "${root}/" (toString declaration);
in
(nixosOptionsDoc {
  inherit (import ../lib/options.nix { inherit lib; }) options;
  transformOptions = option: option // { declarations = map relative option.declarations; };
}).optionsCommonMark
