# The packages of this flake by the names that the modules expect.
final: prev: {
  lakewright = final.callPackage ./packages/cli.nix { };
  lakewright-minimal = final.lakewright.override { withTables = false; };
  lakewright-spec = final.callPackage ./packages/spec.nix { };

  pythonPackagesExtensions = prev.pythonPackagesExtensions ++ [
    (python: _: { lakewright = python.callPackage ./packages/python.nix { }; })
  ];
}
