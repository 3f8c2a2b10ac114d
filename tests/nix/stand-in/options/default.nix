# NixOS's options, as far as our modules, agenix's and the scenarios touch them.
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
