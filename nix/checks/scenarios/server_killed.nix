# The server falls over, and comes back with less than it had.
{ ... }:
{
  imports = [ ../lake.nix ];
}
