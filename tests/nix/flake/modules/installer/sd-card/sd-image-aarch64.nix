# The image of a single board, as far as it can be evaluated: it holds the system.
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
