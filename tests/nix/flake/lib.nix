# nixpkgs' lib, from NIX_PATH. What it expects of a Nix newer than Debian's (2.8) is added to the
# builtins that its files see.
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
