# A check that runs cargo over the whole workspace.
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
  # pyo3 asks a Python what it builds for.
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
