# The places where no secret may appear.
{ ... }:
{
  imports = [ ../lake.nix ];

  environment.etc."lake/texts.py".source = ../programs/texts.py;
}
