# Our packages by the names under which the modules look for them.
final: prev: {
  lakewright = final.callPackage ./packages/cli.nix { };
  lakewright-minimal = final.lakewright.override { withTables = false; };
  lakewright-spec = final.callPackage ./packages/spec.nix { };

  pythonPackagesExtensions = prev.pythonPackagesExtensions ++ [
    (python: _: { lakewright = python.callPackage ./packages/python.nix { }; })
  ];
}
