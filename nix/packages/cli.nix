# The command. Without tables it has neither Delta Lake nor DataFusion, half of the crates to build,
# and all that a machine needs whose declarations name buckets, users and policies only.
{
  lib,
  stdenv,
  buildPackages,
  installShellFiles,
  rustPlatform,
  withTables ? true,
}:
let
  workspace = import ./workspace.nix { inherit lib; };
in
rustPlatform.buildRustPackage {
  pname = if withTables then "lakewright" else "lakewright-minimal";
  inherit (workspace) version cargoLock;
  src = workspace.source [ ../../crates ];

  cargoBuildFlags = [ "--package=lakewright-cli" ];
  buildNoDefaultFeatures = !withTables;
  # The tests of the whole workspace are a check of the flake: here they would compile it twice.
  doCheck = false;

  nativeBuildInputs = [ installShellFiles ];

  # The command writes them itself. Built for another machine it runs where there is an emulator
  # of that machine; where there is none, the package has only the command.
  postInstall = lib.optionalString (stdenv.hostPlatform.emulatorAvailable buildPackages) ''
    lakewright() {
      ${stdenv.hostPlatform.emulator buildPackages} $out/bin/lakewright "$@"
    }
    installShellCompletion --cmd lakewright \
      --bash <(lakewright completions bash) \
      --fish <(lakewright completions fish) \
      --zsh <(lakewright completions zsh)
    lakewright man --dir man
    installManPage man/*
  '';

  meta = workspace.meta // {
    description =
      if withTables then
        "Object storage and Delta Lake: buckets, objects, tables and declared state"
      else
        "Object storage: buckets, objects and declared state, without tables";
    mainProgram = "lakewright";
  };
}
