# A host from nothing to a served lake, and used.
{ ... }:
{
  imports = [ ../lake.nix ];
}
