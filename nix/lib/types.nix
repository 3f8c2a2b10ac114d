# Option types that several modules share.
{ lib }:
let
  # Paths that need no quoting in a unit file: without space, colon (LoadCredential=) and specifier.
  plainPath = "/[A-Za-z0-9@_.,+=/-]+";
in
rec {
  # A directory or file of the host.
  hostPath = lib.types.strMatching plainPath // {
    description = "absolute path in plain characters, as a string";
  };

  # A public file, such as a certificate: a file of the configuration or a built file, which is in
  # the store, or a file of the host.
  publicFile = lib.types.either (
    lib.types.addCheck lib.types.path (file: builtins.isPath file || lib.isDerivation file)
    // {
      description = "path or package";
    }
  ) hostPath;

  # The path of a secret on the host when a unit starts: a file from agenix, from sops-nix, or
  # placed there by hand. A Nix path would be copied into the store, which all users can read.
  secretFile =
    lib.types.addCheck (lib.types.strMatching plainPath) (path: !(lib.hasPrefix builtins.storeDir path))
    // {
      description = "absolute path of a file outside of the Nix store, as a string";
    };
}
