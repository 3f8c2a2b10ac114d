# nixpkgs' python3Packages, extended by pythonPackagesExtensions.
{
  lib,
  build,
  python3,
  pythonPackagesExtensions,
  callPackage,
}:
let
  base =
    final:
    lib.genAttrs [
      "matplotlib"
      "pandas"
      "pyarrow"
      "rich"
      "setuptools"
    ] build.tool
    // {
      inherit (build) buildPythonPackage fetchPypi;
      python = python3;
      callPackage =
        path: args: callPackage path (lib.intersectAttrs (lib.functionArgs (import path)) final // args);
    };
in
lib.fix (lib.foldl (lib.flip lib.extends) base pythonPackagesExtensions)
