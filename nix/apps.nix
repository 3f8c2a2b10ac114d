# The programs of `nix run`.
{ pkgs }:
let
  inherit (pkgs) lib;
in
lib.mapAttrs
  (_: package: {
    type = "app";
    program = lib.getExe package;
    meta = { inherit (package.meta) description; };
  })
  {
    default = pkgs.lakewright;
    inherit (pkgs) lakewright;
    demo = pkgs.callPackage ./packages/demo.nix { };
    plan = pkgs.callPackage ./packages/plan.nix { };
  }
