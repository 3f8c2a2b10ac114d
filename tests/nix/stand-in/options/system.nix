# Options for assertions, warnings, activation, specialisations and packages.
{
  config,
  lib,
  extendModules,
  ...
}:
let
  inherit (lib) mkOption types;

  activationScript = types.submodule {
    options = {
      text = mkOption { type = types.lines; };
      deps = mkOption {
        type = types.listOf types.str;
        default = [ ];
      };
      supportsDryActivation = mkOption {
        type = types.bool;
        default = false;
      };
    };
  };
in
{
  options = {
    assertions = mkOption {
      type = types.listOf types.unspecified;
      default = [ ];
      internal = true;
    };
    warnings = mkOption {
      type = types.listOf types.str;
      default = [ ];
      internal = true;
    };
    meta = mkOption {
      type = types.attrsOf types.unspecified;
      default = { };
      internal = true;
    };

    nixpkgs.hostPlatform = mkOption {
      type = types.either types.str types.attrs;
      apply = lib.systems.elaborate;
    };
    nixpkgs.overlays = mkOption {
      type = types.listOf (types.functionTo (types.functionTo types.attrs));
      default = [ ];
    };

    system.activationScripts = mkOption {
      type = types.attrsOf (types.coercedTo types.str (text: { inherit text; }) activationScript);
      default = { };
    };
    system.build = mkOption {
      type = types.lazyAttrsOf types.unspecified;
      default = { };
      internal = true;
    };
    system.name = mkOption {
      type = types.str;
      default = config.networking.hostName;
    };
    system.stateVersion = mkOption {
      type = types.str;
      default = "26.05";
    };
    system.checks = mkOption {
      type = types.listOf types.package;
      default = [ ];
    };
    system.extraDependencies = mkOption {
      type = types.listOf types.pathInStore;
      default = [ ];
    };

    specialisation = mkOption {
      default = { };
      type = types.attrsOf (
        types.submodule {
          options.inheritParentConfig = mkOption {
            # NixOS also allows false, a configuration that inherits nothing. No scenario needs it.
            type = types.enum [ true ];
            default = true;
          };
          options.configuration = mkOption {
            default = { };
            inherit (extendModules { modules = [ { specialisation = lib.mkOverride 0 { }; } ]; }) type;
          };
        }
      );
    };
  };

  config._module.args.pkgs =
    lib.foldl
      (
        packages: overlay:
        let
          final = packages // overlay final packages;
        in
        final
      )
      (import ../pkgs {
        inherit lib;
        inherit (config.nixpkgs.hostPlatform) system;
      })
      config.nixpkgs.overlays;
}
