# The same lake on a single-board computer: `nix build
# .#nixosConfigurations.board.config.system.build.sdImage` builds the image for its card.
{ modulesPath, ... }:
{
  imports = [
    "${modulesPath}/installer/sd-card/sd-image-aarch64.nix"
    ./lake.nix
  ];

  networking.hostName = "board";
  nixpkgs.hostPlatform = "aarch64-linux";
  system.stateVersion = "26.05";

  # Settings for a small machine: one drive, little memory and no console.
  services.lakewright.server = {
    console.enable = false;
    limits.memory = "50%";
  };
}
