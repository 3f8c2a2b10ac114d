# Option types that several of our modules share.
{ lib }:
let
  # What needs no quoting in a unit file: no space, no colon (LoadCredential=), no specifier.
  plainPath = "/[A-Za-z0-9@_.,+=/-]+";
in
rec {
  # A folder or file of the host.
  hostPath = lib.types.strMatching plainPath // {
    description = "absolute path in plain characters, as a string";
  };

  # What everybody may read, a certificate: a file of the configuration or one that is built, which
  # the store has under a plain name, or a file of the host.
  publicFile = lib.types.either (
    lib.types.addCheck lib.types.path (file: builtins.isPath file || lib.isDerivation file)
    // {
      description = "path or package";
    }
  ) hostPath;

  # Where a secret lies on the host when a unit starts: agenix's, sops-nix's, or a file put there
  # by hand. A Nix path would be copied into the store, where everybody reads it.
  secretFile =
    lib.types.addCheck (lib.types.strMatching plainPath) (path: !(lib.hasPrefix builtins.storeDir path))
    // {
      description = "absolute path of a file outside of the Nix store, as a string";
    };
}
