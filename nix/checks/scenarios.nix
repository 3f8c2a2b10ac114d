# Each scenario as a test in virtual machines. tests/deploy runs the same files in containers.
{ pkgs, agenix }:
let
  inherit (pkgs) lib;
  folder = ./scenarios;
  names = map (lib.removeSuffix ".py") (
    lib.filter (lib.hasSuffix ".py") (lib.attrNames (builtins.readDir folder))
  );

  test =
    name:
    let
      hosts = import (folder + "/${name}.nix");
    in
    pkgs.testers.runNixOSTest {
      inherit name;
      # A single module means a single machine.
      nodes = if lib.isFunction hosts then { machine = hosts; } else hosts;
      node.specialArgs.agenix = agenix.nixosModules.default;
      defaults.imports = [ ../modules ];
      testScript = builtins.readFile (folder + "/${name}.py");
    };
in
lib.listToAttrs (map (name: lib.nameValuePair "scenario-${name}" (test name)) names)
