# The machine is shut down, and once loses its power.
{ ... }:
{
  imports = [ ../lake.nix ];
}
