# Where no secret may be.
{ ... }:
{
  imports = [ ../lake.nix ];

  environment.etc."lake/texts.py".source = ../programs/texts.py;
}
