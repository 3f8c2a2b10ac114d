# What `make` needs besides what it installs itself: the compilers, and the tools of the Nix files.
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
