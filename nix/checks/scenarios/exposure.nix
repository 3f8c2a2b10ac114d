# The exposure of each unit according to systemd.
{ ... }:
{
  imports = [ ../lake.nix ];
}
