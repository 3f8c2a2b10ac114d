# `nix run .#plan`: what a switch would do to a host's server.
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
  meta.description = "What applying a host's declared state would change on the live server";
}
