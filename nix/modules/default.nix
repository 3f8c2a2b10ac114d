# The whole lake on a machine: a server, what is declared on it, and the secrets of both.
{
  imports = [
    ./age.nix
    ./client.nix
    ./server.nix
  ];
}
