# All modules: the server, the declared state and the secrets of both.
{
  imports = [
    ./age.nix
    ./client.nix
    ./server.nix
  ];
}
