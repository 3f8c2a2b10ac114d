# The packages: plain derivations, made by the machine's own bash and coreutils.
#
# Tools are links to where Debian has them. Binaries of this project and MinIO's are links into
# /opt/lakewright/bin, where tests/deploy binds them; only lakewright-spec also runs while things
# are built, so it is a link to the file beside $LAKEWRIGHT_TEST_CLI.
{ lib, system }:
let
  build = import ./build.nix { inherit lib system; };
  tools = import ./tools.nix {
    inherit lib;
    inherit (build) runCommand;
  };
  pkgs =
    build
    // tools
    // {
      inherit lib system;
      stdenv.hostPlatform = lib.systems.elaborate system;
      buildPackages = pkgs;
      formats = import ./formats.nix {
        inherit lib;
        inherit (build) runCommand;
      };
      callPackage = lib.callPackageWith pkgs;
      config = { };
    };
in
pkgs
