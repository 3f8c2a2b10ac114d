# Where no secret may be.
{ ... }:
{
  imports = [ ../lake.nix ];
}
