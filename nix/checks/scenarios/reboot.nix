# The machine is shut down, and once loses power.
{ ... }:
{
  imports = [ ../lake.nix ];
}
