# Users are made by a unit, so agenix decrypts in one: the server and the client wait for it.
{ ... }:
{
  imports = [ ../lake.nix ];

  services.userborn.enable = true;
}
