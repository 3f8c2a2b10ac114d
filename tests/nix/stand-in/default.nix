# A stand-in for NixOS, for machines that have Nix but no nixpkgs.
#
# It evaluates NixOS modules against the option declarations of ./options (NixOS's own names and
# types, but only those that our modules and agenix's touch; an unknown option is an error) and
# builds what NixOS would build of them: see ./activation.nix.
#
# <nixpkgs-lib/lib> is nixpkgs' lib, <agenix> is agenix; both come from NIX_PATH.
{
  lib ? import <nixpkgs-lib/lib>,
}:
{
  inherit lib;

  # The packages of a system.
  pkgsFor = system: import ./pkgs { inherit lib system; };

  # The counterpart of nixpkgs' lib.nixosSystem.
  evalHost =
    {
      modules,
      specialArgs ? { },
      system ? builtins.currentSystem,
    }:
    let
      host = lib.evalModules {
        class = "nixos";
        specialArgs = {
          modulesPath = builtins.throw "the stand-in has no modulesPath";
          utils = import ./utils.nix { inherit lib; };
        }
        // specialArgs;
        modules = [
          ./options
          ./units
          ./users.nix
          ./etc.nix
          ./activation.nix
          {
            _file = ./default.nix;
            nixpkgs.hostPlatform = lib.mkDefault system;
          }
        ]
        ++ modules;
      };
    in
    {
      inherit (host) config options;
      toplevel = host.config.system.build.toplevel;
    };
}
