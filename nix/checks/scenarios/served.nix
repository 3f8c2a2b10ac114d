# A new host starts to serve a lake, which is then used.
{ ... }:
{
  imports = [ ../lake.nix ];
}
