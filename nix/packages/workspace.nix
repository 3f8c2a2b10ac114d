# What Cargo.toml says of all crates, and the part of the workspace that a build needs.
{ lib }:
let
  inherit (lib) fileset;
  inherit (lib.importTOML ../../Cargo.toml) workspace;

  # Cargo reads the manifest of every member and wants the beginning of its code to be there, also
  # of those that it does not build.
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

  # These files and folders of the repository as a source from which cargo builds. What is not
  # named can change without a new build.
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
