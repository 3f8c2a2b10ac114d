# The tools that `make` does not install itself: compilers, and the tools for Nix files.
{
  clippy,
  deadnix,
  go,
  lakewright,
  mkShell,
  nixfmt,
  python3,
  rustfmt,
}:
mkShell {
  inputsFrom = [ lakewright ];
  packages = [
    clippy
    deadnix
    go
    nixfmt
    python3
    rustfmt
  ];
}
