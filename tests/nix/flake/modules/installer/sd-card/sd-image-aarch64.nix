# A stand-in for the image of a single-board computer, which contains the system.
{
  config,
  lib,
  pkgs,
  ...
}:
{
  options.sdImage.compressImage = lib.mkOption {
    type = lib.types.bool;
    default = true;
  };
  config = {
    fileSystems."/".device = "/dev/disk/by-label/NIXOS_SD";
    system.build.sdImage = pkgs.stdenv.mkDerivation {
      pname = "sd-image";
      version = config.system.name;
      storePaths = [ config.system.build.toplevel ];
    };
  };
}
