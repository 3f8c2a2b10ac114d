# `nix run .#plan`: shows how a switch would change a host's server.
{
  coreutils,
  jq,
  lakewright,
  nix,
  openssh,
  writeShellApplication,
}:
writeShellApplication {
  name = "lakewright-plan";
  runtimeInputs = [
    coreutils
    jq
    lakewright
    nix
    openssh
  ];
  text = builtins.readFile ./plan.sh;
  meta.description = "Shows how applying a host's declared state would change the live server";
}
