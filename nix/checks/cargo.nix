# A check that runs cargo on the whole workspace.
{
  lib,
  python3,
  rustPlatform,
}:
name: command:
{
  nativeBuildInputs ? [ ],
  env ? { },
}:
let
  workspace = import ../packages/workspace.nix { inherit lib; };
in
rustPlatform.buildRustPackage {
  pname = "lakewright-${name}";
  inherit (workspace) version cargoLock;
  src = workspace.source [
    ../../clippy.toml
    ../../crates
    ../../python
    ../../rustfmt.toml
    ../../tests
  ];
  inherit env;
  # pyo3 runs a Python interpreter to determine the target version.
  nativeBuildInputs = [ python3 ] ++ nativeBuildInputs;
  buildPhase = ''
    runHook preBuild
    ${command}
    runHook postBuild
  '';
  doCheck = false;
  installPhase = "touch $out";
  meta = workspace.meta // {
    description = "The check ${name} of lakewright";
  };
}
