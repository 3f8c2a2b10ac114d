# Checks and prints specs. The package is small, because it is built wherever a configuration is
# built.
{ lib, rustPlatform }:
let
  workspace = import ./workspace.nix { inherit lib; };
in
rustPlatform.buildRustPackage {
  pname = "lakewright-spec";
  inherit (workspace) version cargoLock;
  src = workspace.source [
    ../../crates/lakewright-core
    ../../crates/lakewright-spec
  ];

  cargoBuildFlags = [ "--package=lakewright-spec" ];
  cargoTestFlags = [ "--package=lakewright-spec" ];

  meta = workspace.meta // {
    description = "Checks and prints lakewright's spec documents";
    mainProgram = "lakewright-spec";
  };
}
