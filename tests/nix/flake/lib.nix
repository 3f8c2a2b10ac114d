# nixpkgs' lib, from NIX_PATH. Builtins that it needs and that Debian's Nix (2.8) lacks are added
# for its files.
let
  readFileType =
    path:
    if builtins ? readFileType then
      builtins.readFileType path
    else if toString path == "/" then
      "directory"
    else
      (builtins.readDir (dirOf path)).${baseNameOf path};

  scope = {
    builtins = builtins // {
      inherit readFileType;
    };
    import = builtins.scopedImport scope;
  };
in
scope.import <nixpkgs-lib/lib>
