# The server is killed, and restarts with less data than before.
{ ... }:
{
  imports = [ ../lake.nix ];
}
