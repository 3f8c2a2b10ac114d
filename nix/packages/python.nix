# The Python module and its command, as in the wheel.
{
  lib,
  buildPythonPackage,
  cargo-auditable-cargo-wrapper,
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
    # A cargo that lists the crates of the module in the module, as buildRustPackage does for
    # programs. It comes first, before the cargo of the hooks.
    cargo-auditable-cargo-wrapper
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
