{
  description = "A stand-in of nixpkgs: what flake.nix takes from it, for machines that have no nixpkgs";

  # nix flake check --no-build --impure \
  #   --override-input nixpkgs path:$PWD/tests/nix --override-input agenix path:/where/agenix/is
  #
  # Impure, because nixpkgs' lib comes from NIX_PATH.
  outputs =
    _:
    let
      plainLib = import ./flake/lib.nix;
      standIn = import ./stand-in { lib = plainLib; };
      lib = plainLib // {
        nixosSystem = import ./flake/nixos-system.nix { inherit standIn lib packagesOf; };
      };
      packagesOf =
        system:
        import ./flake/packages.nix {
          inherit standIn lib;
          buildSystem = system;
        };
    in
    {
      inherit lib;
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] packagesOf;
    };
}
