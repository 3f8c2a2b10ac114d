# The Python module and its command, as the wheel has them.
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

  # What pytest runs needs servers and other people's clients: `make test`.
  doCheck = false;
  pythonImportsCheck = [ "lakewright" ];

  meta = workspace.meta // {
    description = "Object storage and Delta Lake: buckets, objects and tables over one connection";
    mainProgram = "lakewright";
  };
}
