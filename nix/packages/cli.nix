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
  pname = if withTables then "lakewright" else "lakewright-minimal";
  # The command writes its completions and pages itself. Built for another machine it runs in an
  # emulator of that machine; where there is none, it is built for the machine that builds as well.
  itself =
    if stdenv.hostPlatform.emulatorAvailable buildPackages then
      "${stdenv.hostPlatform.emulator buildPackages} $out/bin/lakewright"
    else
      "${buildPackages.${pname}}/bin/lakewright";
in
rustPlatform.buildRustPackage {
  inherit pname;
  inherit (workspace) version cargoLock;
  src = workspace.source [ ../../crates ];

  cargoBuildFlags = [ "--package=lakewright-cli" ];
  buildNoDefaultFeatures = !withTables;
  # The tests of the whole workspace are a check of the flake: here they would compile it twice.
  doCheck = false;

  nativeBuildInputs = [ installShellFiles ];

  postInstall = ''
    lakewright() {
      ${itself} "$@"
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
