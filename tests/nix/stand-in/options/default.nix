# The options of NixOS that our modules, agenix's and the scenarios use.
{
  imports = [
    ./environment.nix
    ./machine.nix
    ./network.nix
    ./services.nix
    ./system.nix
    ./systemd.nix
    ./users.nix
  ];
}
