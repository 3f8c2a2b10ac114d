# The Python module and its command, as in the wheel.
{
  lib,
  buildPythonPackage,
  rustPlatform,
}:
let
  workspace = import ./workspace.nix { inherit lib; };
in
buildPythonPackage {
  pname = "lakewright";
  inherit (workspace) version;
  pyproject = true;

  src = workspace.source [
    ../../crates
    ../../python
  ];
  cargoDeps = rustPlatform.importCargoLock workspace.cargoLock;
  buildAndTestSubdir = "python";

  nativeBuildInputs = [
    rustPlatform.cargoSetupHook
    rustPlatform.maturinBuildHook
  ];

  # The tests of pytest need servers and other S3 clients, so only `make test` runs them.
  doCheck = false;
  pythonImportsCheck = [ "lakewright" ];

  meta = workspace.meta // {
    description = "Object storage and Delta Lake: buckets, objects and tables over one connection";
    mainProgram = "lakewright";
  };
}
