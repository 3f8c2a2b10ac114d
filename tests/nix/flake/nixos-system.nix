# lib.nixosSystem for the stand-in of NixOS, with the packages of the stand-in of nixpkgs.
{
  standIn,
  lib,
  packagesOf,
}:
{
  modules,
  specialArgs ? { },
  system ? null,
}:
let
  host = standIn.evalHost {
    specialArgs = {
      modulesPath = toString ./modules;
    }
    // specialArgs;
    modules = modules ++ [
      (
        { config, ... }:
        {
          _file = ./nixos-system.nix;
          nixpkgs.hostPlatform = lib.mkIf (system != null) system;
          _module.args.pkgs = lib.mkForce (
            (packagesOf config.nixpkgs.hostPlatform.system).appendOverlays config.nixpkgs.overlays
          );
        }
      )
    ];
  };
in
{
  inherit (host) config options;
}
