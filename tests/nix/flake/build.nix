# Stand-ins for nixpkgs' builders: stdenv, and those of Rust, Python and the shell.
{
  lib,
  buildSystem,
  hostSystem,
}:
let
  # The attributes that a derivation's environment can contain, without the metadata.
  environmentOf =
    attrs:
    lib.filterAttrs (_: value: value != null) (
      removeAttrs attrs [
        "env"
        "meta"
        "passthru"
      ]
    )
    // attrs.env or { };

  # Requires the argument of a function to have exactly these attributes.
  taking =
    what: known: args:
    let
      strange = lib.attrNames (removeAttrs args known);
    in
    assert lib.assertMsg (strange == [ ]) "${what} is called with ${toString strange}";
    args;

  checkedMeta = taking "meta" [
    "description"
    "homepage"
    "license"
    "mainProgram"
    "platforms"
  ];

  mkDerivation =
    attrs:
    let
      name = attrs.name or "${attrs.pname}-${attrs.version}";
      drv = derivation (
        environmentOf attrs
        // {
          inherit name;
          system = buildSystem;
          builder = "/bin/sh";
          args = [
            "-c"
            "echo '${name} is a stand-in, for evaluation only' >&2; exit 1"
          ];
        }
      );
      meta = checkedMeta (attrs.meta or { });
    in
    drv
    // {
      inherit name meta;
      inherit (attrs) pname version;
      arguments = attrs;
      overrideAttrs =
        change: mkDerivation (attrs // (if lib.isFunction change then change attrs else change));
    }
    // attrs.passthru or { };

  importCargoLock =
    {
      lockFile,
      outputHashes ? { },
    }:
    let
      inherit (lib.importTOML lockFile) package;
      fromGit = lib.filter (crate: lib.hasPrefix "git+" crate.source or "") package;
      unknown = lib.filter (crate: !outputHashes ? "${crate.name}-${crate.version}") fromGit;
      unchecked = lib.filter (
        crate: lib.hasPrefix "registry+" crate.source or "" && !crate ? checksum
      ) package;
    in
    assert lib.assertMsg (unknown == [ ])
      "a crate from git needs its hash in outputHashes: ${toString (map (crate: crate.name) unknown)}";
    assert lib.assertMsg (unchecked == [ ]) "a crate of the registry has no checksum in ${lockFile}";
    mkDerivation {
      pname = "cargo-vendor-dir";
      version = builtins.hashFile "sha256" lockFile;
    };

  tool =
    name:
    mkDerivation {
      pname = name;
      version = "0";
      meta.mainProgram = name;
    };

  common = [
    "buildInputs"
    "doCheck"
    "env"
    "meta"
    "nativeBuildInputs"
    "passthru"
    "pname"
    "postInstall"
    "src"
    "version"
  ];
in
{
  inherit mkDerivation tool;

  stdenv = {
    inherit mkDerivation;
    buildPlatform = lib.systems.elaborate buildSystem;
    hostPlatform = lib.systems.elaborate hostSystem;
  };

  mkShell =
    args:
    mkDerivation (
      {
        pname = "shell";
        version = "0";
      }
      // taking "mkShell" [ "inputsFrom" "packages" ] args
    );

  rustPlatform = {
    inherit importCargoLock;
    cargoSetupHook = tool "cargo-setup-hook";
    maturinBuildHook = tool "maturin-build-hook";

    buildRustPackage =
      args:
      let
        known = taking "buildRustPackage" (
          common
          ++ [
            "buildNoDefaultFeatures"
            "buildPhase"
            "cargoBuildFlags"
            "cargoLock"
            "cargoTestFlags"
            "installPhase"
          ]
        ) args;
      in
      mkDerivation (
        removeAttrs known [ "cargoLock" ] // { cargoDeps = importCargoLock known.cargoLock; }
      );
  };

  buildPythonPackage =
    args:
    mkDerivation (
      taking "buildPythonPackage" (
        common
        ++ [
          "build-system"
          "buildAndTestSubdir"
          "cargoDeps"
          "dependencies"
          "pyproject"
          "pythonImportsCheck"
        ]
      ) args
    );

  # The real function would download the file.
  fetchPypi =
    {
      pname,
      version,
      hash,
    }:
    derivation {
      name = "${pname}-${version}.tar.gz";
      system = buildSystem;
      builder = "builtin:fetchurl";
      url = "mirror://pypi/${pname}-${version}.tar.gz";
      outputHash = hash;
      outputHashMode = "flat";
    };

  nixosOptionsDoc =
    {
      options,
      transformOptions ? lib.id,
      warningsAreErrors ? true,
    }:
    let
      documented = lib.filter (option: option.visible && !option.internal) (
        map transformOptions (lib.optionAttrSetToDocList options)
      );
      undescribed = lib.filter (option: option.description or null == null) documented;
    in
    assert lib.assertMsg (warningsAreErrors -> undescribed == [ ])
      "options without a description: ${toString (map (option: option.name) undescribed)}";
    {
      optionsNix = lib.listToAttrs (map (option: lib.nameValuePair option.name option) documented);
      optionsCommonMark = mkDerivation {
        pname = "options.md";
        version = "0";
        text = builtins.toJSON documented;
      };
    };
}
