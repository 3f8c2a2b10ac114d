# Options that only a real machine uses: they are declared, and nothing is built from them.
{ lib, ... }:
let
  inherit (lib) mkOption types;
in
{
  options = {
    fileSystems = mkOption {
      default = { };
      type = types.attrsOf (
        types.submodule (
          { name, ... }:
          {
            options = {
              mountPoint = mkOption {
                type = types.str;
                default = name;
              };
              device = mkOption {
                type = types.nullOr types.str;
                default = null;
              };
              label = mkOption {
                type = types.nullOr types.str;
                default = null;
              };
              fsType = mkOption {
                type = types.str;
                default = "auto";
              };
              options = mkOption {
                type = types.listOf types.str;
                default = [ "defaults" ];
              };
              neededForBoot = mkOption {
                type = types.bool;
                default = false;
              };
            };
          }
        )
      );
    };
    boot = {
      isContainer = mkOption {
        type = types.bool;
        default = false;
      };
      loader = mkOption {
        type = types.attrsOf types.anything;
        default = { };
      };
      kernelParams = mkOption {
        type = types.listOf types.str;
        default = [ ];
      };
    };
    # The settings of a test's virtual machine.
    virtualisation = mkOption {
      type = types.attrsOf types.anything;
      default = { };
    };
  };
}
