# The builds of `nix flake check`: every package, and the parts of `make lint` and `make test` that
# need no other S3 clients.
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

  # The committed page of options must equal the generated one.
  options = pkgs.runCommand "lakewright-options" { } ''
    diff --unified ${../OPTIONS.md} ${
      pkgs.writeText "OPTIONS.md" (import ../lib/options.nix { inherit lib; }).page
    }
    touch $out
  '';
}
// hosts
// import ./scenarios.nix { inherit pkgs agenix; }
