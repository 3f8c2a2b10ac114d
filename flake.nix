{
  description = "Object storage and Delta Lake for NixOS machines and Python programs";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    agenix = {
      url = "github:ryantm/agenix";
      inputs.nixpkgs.follows = "nixpkgs";
      # agenix's inputs for macOS and home directories are not used here.
      inputs.darwin.follows = "";
      inputs.home-manager.follows = "";
    };
  };

  outputs =
    {
      self,
      nixpkgs,
      agenix,
    }:
    let
      inherit (nixpkgs) lib;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      eachSystem =
        build:
        lib.genAttrs systems (
          system: build (nixpkgs.legacyPackages.${system}.extend self.overlays.default)
        );

      # The `package` options of the modules find the packages of this flake by their names.
      withPackages = module: {
        imports = [
          module
          {
            key = "lakewright/overlay";
            nixpkgs.overlays = [ self.overlays.default ];
          }
        ];
      };
      host =
        module:
        lib.nixosSystem {
          modules = [
            self.nixosModules.default
            agenix.nixosModules.default
            module
          ];
        };
    in
    {
      overlays.default = import ./nix/overlay.nix;

      nixosModules = lib.mapAttrs (_: withPackages) {
        default = ./nix/modules;
        server = ./nix/modules/server.nix;
        client = ./nix/modules/client.nix;
      };

      nixosConfigurations = {
        example = host ./nix/hosts/example.nix;
        board = host ./nix/hosts/board.nix;
      };

      packages = eachSystem (pkgs: {
        default = pkgs.lakewright;
        inherit (pkgs) lakewright lakewright-minimal lakewright-spec;
        lakewright-python = pkgs.python3Packages.lakewright;
        option-docs = pkgs.callPackage ./nix/packages/option-docs.nix { };
      });

      apps = eachSystem (pkgs: import ./nix/apps.nix { inherit pkgs; });

      devShells = eachSystem (pkgs: {
        default = pkgs.callPackage ./nix/shell.nix { };
      });

      formatter = eachSystem (pkgs: pkgs.nixfmt-tree);

      checks = eachSystem (
        pkgs:
        import ./nix/checks {
          inherit pkgs agenix;
          inherit (self) nixosConfigurations;
          packages = self.packages.${pkgs.stdenv.hostPlatform.system};
        }
      );
    };
}
