# What `nix flake check` builds: every package, and what `make lint` and `make test` look at as far
# as it needs no other people's clients.
{
  pkgs,
  agenix,
  nixosConfigurations,
  packages,
}:
let
  inherit (pkgs) lib;
  cargo = pkgs.callPackage ./cargo.nix { };
  nixFiles = lib.fileset.toSource {
    root = ../..;
    fileset = lib.fileset.fileFilter (file: file.hasExt "nix") ../..;
  };

  ofThisSystem = host: host.config.nixpkgs.hostPlatform.system == pkgs.stdenv.hostPlatform.system;
  hosts = lib.mapAttrs' (
    name: host: lib.nameValuePair "host-${name}" host.config.system.build.toplevel
  ) (lib.filterAttrs (_: ofThisSystem) nixosConfigurations);
in
removeAttrs packages [ "default" ]
// {
  clippy = cargo "clippy" "cargo clippy --offline --workspace --all-targets -- -D warnings" {
    nativeBuildInputs = [ pkgs.clippy ];
  };

  rustfmt = cargo "rustfmt" "cargo fmt --all --check" {
    nativeBuildInputs = [ pkgs.rustfmt ];
  };

  docs = cargo "docs" "cargo doc --offline --workspace --lib --no-deps" {
    env.RUSTDOCFLAGS = "-D warnings";
  };

  tests = cargo "tests" "cargo test --offline --workspace" {
    env = {
      LAKEWRIGHT_TEST_MINIO = lib.getExe' (pkgs.silo or pkgs.minio) "minio";
      LAKEWRIGHT_TEST_MC = lib.getExe' pkgs.minio-client "mc";
      LAKEWRIGHT_TEST_REQUIRE = "embedded,minio";
    };
  };

  nix-files =
    pkgs.runCommand "lakewright-nix-files"
      {
        nativeBuildInputs = [
          pkgs.deadnix
          pkgs.nixfmt
        ];
      }
      ''
        find ${nixFiles} -name '*.nix' -exec nixfmt --check {} +
        deadnix --fail ${nixFiles}
        touch $out
      '';

  # The committed page of options is what the modules say.
  options = pkgs.runCommand "lakewright-options" { } ''
    diff --unified ${../OPTIONS.md} ${
      pkgs.writeText "OPTIONS.md" (import ../lib/options.nix { inherit lib; }).page
    }
    touch $out
  '';
}
// hosts
// import ./scenarios.nix { inherit pkgs agenix; }
