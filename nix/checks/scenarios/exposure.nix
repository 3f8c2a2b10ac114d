# What systemd thinks of each unit of ours.
{ ... }:
{
  imports = [ ../lake.nix ];
}
