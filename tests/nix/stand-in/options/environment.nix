{ lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  variables = mkOption {
    type = types.attrsOf (types.either types.str (types.listOf types.str));
    default = { };
    apply = lib.mapAttrs (_: value: if lib.isList value then lib.concatStringsSep ":" value else value);
  };
in
{
  options.environment = {
    inherit variables;
    sessionVariables = variables;
    systemPackages = mkOption {
      type = types.listOf types.package;
      default = [ ];
    };
    corePackages = mkOption {
      type = types.listOf types.package;
      default = pkgs.corePackages;
    };
    pathsToLink = mkOption {
      type = types.listOf types.str;
      default = [ "/bin" ];
    };
    etc = mkOption {
      default = { };
      type = types.attrsOf (
        types.submodule (
          { name, ... }:
          {
            options = {
              enable = mkOption {
                type = types.bool;
                default = true;
              };
              target = mkOption {
                type = types.str;
                default = name;
              };
              text = mkOption {
                type = types.nullOr types.lines;
                default = null;
              };
              source = mkOption { type = types.path; };
              mode = mkOption {
                type = types.str;
                default = "symlink";
              };
              uid = mkOption {
                type = types.int;
                default = 0;
              };
              gid = mkOption {
                type = types.int;
                default = 0;
              };
              user = mkOption {
                type = types.str;
                default = "+0";
              };
              group = mkOption {
                type = types.str;
                default = "+0";
              };
            };
          }
        )
      );
    };
  };

  options.i18n.defaultLocale = mkOption {
    type = types.str;
    default = "C.UTF-8";
  };
  options.time.timeZone = mkOption {
    type = types.nullOr types.str;
    default = null;
  };
}
