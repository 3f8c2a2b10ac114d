# The same lake on a single board: `nix build .#nixosConfigurations.board.config.system.build.sdImage`
# makes what is written onto its card.
{ modulesPath, ... }:
{
  imports = [
    "${modulesPath}/installer/sd-card/sd-image-aarch64.nix"
    ./lake.nix
  ];

  networking.hostName = "board";
  nixpkgs.hostPlatform = "aarch64-linux";
  system.stateVersion = "26.05";

  # A small machine: one drive, little memory, and no console to take any of it.
  services.lakewright.server = {
    console.enable = false;
    limits.memory = "50%";
  };
}
