# The metadata that all crates share, and the part of the workspace that a build needs.
{ lib }:
let
  inherit (lib) fileset;
  inherit (lib.importTOML ../../Cargo.toml) workspace;

  # Cargo reads the manifests of all members and requires their root source files to exist, even of
  # those that it does not build.
  skeleton = fileset.unions (
    map
      (fileset.fileFilter (
        file: file.name == "Cargo.toml" || file.name == "lib.rs" || file.name == "main.rs"
      ))
      [
        ../../crates
        ../../python
        ../../tests
      ]
  );
in
{
  inherit (workspace.package) version;

  cargoLock.lockFile = ../../Cargo.lock;

  # The given files and folders of the repository as a source for cargo. Changes of other files
  # cause no rebuild.
  source =
    parts:
    fileset.toSource {
      root = ../..;
      fileset = fileset.unions (
        [
          ../../Cargo.toml
          ../../Cargo.lock
          skeleton
        ]
        ++ parts
      );
    };

  meta = {
    license = [
      lib.licenses.mit
      lib.licenses.asl20
    ];
    platforms = lib.platforms.linux;
  };
}
