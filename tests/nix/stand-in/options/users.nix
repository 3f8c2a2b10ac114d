{ lib, config, ... }:
let
  inherit (lib) mkEnableOption mkOption types;
  user =
    { name, config, ... }:
    {
      options = {
        name = mkOption {
          type = types.str;
          default = name;
        };
        description = mkOption {
          type = types.str;
          default = "";
        };
        uid = mkOption {
          type = types.nullOr types.int;
          default = null;
        };
        isSystemUser = mkOption {
          type = types.bool;
          default = false;
        };
        isNormalUser = mkOption {
          type = types.bool;
          default = false;
        };
        group = mkOption {
          type = types.str;
          default = "";
        };
        extraGroups = mkOption {
          type = types.listOf types.str;
          default = [ ];
        };
        home = mkOption {
          type = types.path;
          default = "/var/empty";
        };
        homeMode = mkOption {
          type = types.strMatching "[0-7]{1,5}";
          default = "700";
        };
        createHome = mkOption {
          type = types.bool;
          default = false;
        };
        shell = mkOption {
          type = types.nullOr (types.either types.package types.path);
          default = "/usr/sbin/nologin";
        };
        packages = mkOption {
          type = types.listOf types.package;
          default = [ ];
        };
        password = mkOption {
          type = types.nullOr types.str;
          default = null;
        };
        hashedPassword = mkOption {
          type = types.nullOr types.str;
          default = null;
        };
        openssh.authorizedKeys.keys = mkOption {
          type = types.listOf types.str;
          default = [ ];
        };
      };
      config = lib.mkIf config.isNormalUser {
        group = lib.mkDefault "users";
        createHome = lib.mkDefault true;
        home = lib.mkDefault "/home/${config.name}";
        shell = lib.mkDefault "/bin/bash";
      };
    };
in
{
  options = {
    # User ids that NixOS reserves.
    ids.uids = mkOption {
      type = types.attrsOf types.int;
      readOnly = true;
      default.minio = 276;
    };
    ids.gids = mkOption {
      type = types.attrsOf types.int;
      readOnly = true;
      default = {
        keys = 96;
        minio = 276;
      };
    };
    users.mutableUsers = mkOption {
      type = types.bool;
      default = true;
    };
    users.users = mkOption {
      type = types.attrsOf (types.submodule user);
      default = { };
    };
    users.groups = mkOption {
      default = { };
      type = types.attrsOf (
        types.submodule (
          { name, ... }:
          {
            options = {
              name = mkOption {
                type = types.str;
                default = name;
              };
              gid = mkOption {
                type = types.nullOr types.int;
                default = null;
              };
              members = mkOption {
                type = types.listOf types.str;
                default = [ ];
              };
            };
          }
        )
      );
    };
    systemd.sysusers.enable = mkEnableOption "systemd-sysusers";
    services.userborn.enable = mkEnableOption "userborn";
  };

  config.assertions =
    lib.mapAttrsToList (name: user: {
      assertion = (user.isSystemUser || user.uid == 0) != user.isNormalUser;
      message = "Exactly one of users.users.${name}.isSystemUser and users.users.${name}.isNormalUser must be set.";
    }) config.users.users
    ++ lib.mapAttrsToList (name: user: {
      assertion = user.group != "";
      message = "users.users.${name}.group is unset.";
    }) config.users.users
    ++ [
      {
        assertion = !(config.systemd.sysusers.enable && config.services.userborn.enable);
        message = "You cannot use systemd-sysusers and Userborn at the same time";
      }
    ];
}
