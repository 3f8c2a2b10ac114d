# The command. Built without tables it contains neither Delta Lake nor DataFusion, which halves the
# crates to build and suffices for a machine that declares only buckets, users and policies.
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
  # The command generates its completions and manual pages itself. When cross-compiling it runs in
  # an emulator of the target machine; without an emulator, it is also built for the build machine.
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
  # A check of the flake runs the tests of the whole workspace; here they would be compiled a second
  # time.
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
