# The part of nixpkgs that flake.nix and nix/packages use: the same names, stricter arguments (an
# unknown one is an error here, but an unused variable in the real build), and derivations that
# record their arguments in `arguments`. They are evaluated, never built.
{
  standIn,
  lib,
  buildSystem,
  hostSystem ? buildSystem,
}:
let
  build = import ./build.nix { inherit lib buildSystem hostSystem; };

  base =
    final:
    standIn.pkgsFor hostSystem
    // build
    // {
      inherit lib;
      system = hostSystem;
      callPackage = lib.callPackageWith final;
      # The packages for the build machine.
      buildPackages =
        if buildSystem == hostSystem then
          final
        else
          import ./packages.nix { inherit standIn lib buildSystem; };
      pkgsCross.aarch64-multiplatform = import ./packages.nix {
        inherit standIn lib buildSystem;
        hostSystem = "aarch64-linux";
      };

      pythonPackagesExtensions = [ ];
      python3Packages = import ./python.nix {
        inherit lib build;
        inherit (final) python3 pythonPackagesExtensions callPackage;
      };
      python3 = build.mkDerivation {
        pname = "python3";
        version = "3.13.0";
        meta.mainProgram = "python3";
        passthru.withPackages =
          choose:
          build.mkDerivation {
            pname = "python3-env";
            version = "3.13.0";
            buildInputs = choose final.python3Packages;
            meta.mainProgram = "python3";
          };
      };

      testers.runNixOSTest = import ./run-nixos-test.nix {
        inherit standIn lib;
        pkgs = final;
      };
    }
    // lib.genAttrs [
      "cargo-auditable-cargo-wrapper"
      "clippy"
      "deadnix"
      "go"
      "installShellFiles"
      "nix"
      "nixfmt"
      "nixfmt-tree"
      "openssh"
      "qemu-user"
      "rustfmt"
    ] build.tool;

  # The fixed point of the overlays, which can be extended again.
  extensible =
    overlays:
    let
      packages = lib.fix (lib.foldl (lib.flip lib.extends) base overlays);
    in
    packages
    // {
      appendOverlays = more: extensible (overlays ++ more);
      extend = overlay: extensible (overlays ++ [ overlay ]);
    };
in
extensible [ ]
