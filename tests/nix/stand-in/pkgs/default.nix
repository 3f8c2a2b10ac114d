# The packages: plain derivations, built with the machine's bash and coreutils.
#
# Tools are links to Debian's programs. Binaries of this project and MinIO's are links into
# /opt/lakewright/bin, which tests/deploy binds. Only lakewright-spec also runs during builds, so it
# is a link to the file beside $LAKEWRIGHT_TEST_CLI.
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
