# testers.runNixOSTest: evaluates every machine of the test and puts its script into the derivation.
{
  standIn,
  lib,
  pkgs,
}:
{
  name,
  nodes,
  testScript,
  defaults ? { },
  node ? { },
}:
let
  machine =
    name: module:
    let
      host = standIn.evalHost {
        inherit (pkgs) system;
        specialArgs = {
          modulesPath = toString ./modules;
        }
        // node.specialArgs or { };
        modules = [
          defaults
          module
          (
            { config, ... }:
            {
              _file = ./run-nixos-test.nix;
              # The packages are fixed; a machine cannot change them.
              _module.args.pkgs = lib.mkForce pkgs;
              assertions = [
                {
                  assertion = config.nixpkgs.overlays == [ ];
                  message = "nixpkgs.* is read-only in a machine of a test";
                }
              ];
              networking.hostName = lib.mkDefault name;
            }
          )
        ];
      };
    in
    host.toplevel;
in
pkgs.stdenv.mkDerivation {
  pname = "vm-test-run";
  version = name;
  machines = lib.attrValues (lib.mapAttrs machine nodes);
  inherit testScript;
}
