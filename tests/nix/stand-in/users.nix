# Creates config.users: by an activation script, by systemd-sysusers, or by a stand-in of Userborn.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  userborn = config.services.userborn.enable;
  sysusers = config.systemd.sysusers.enable;
  byActivation = !userborn && !sysusers;

  groupsOf =
    user:
    user.extraGroups
    ++ lib.attrNames (lib.filterAttrs (_: group: lib.elem user.name group.members) config.users.groups);
  document = pkgs.writeText "users.json" (
    builtins.toJSON {
      groups = map (group: { inherit (group) name gid; }) (lib.attrValues config.users.groups);
      users = map (user: {
        inherit (user)
          name
          uid
          group
          description
          home
          homeMode
          createHome
          ;
        shell = toString user.shell;
        extraGroups = groupsOf user;
        system = user.isSystemUser;
      }) (lib.attrValues config.users.users);
    }
  );
  makeUsers = "/usr/bin/python3 ${./users.py} ${document}";
in
{
  config = lib.mkMerge [
    {
      # Debian's base has most of NixOS's groups; agenix assigns its directory to `keys`.
      users.groups = {
        root.gid = 0;
        users.gid = 100;
        keys.gid = 96;
        wheel.gid = 1;
        nogroup.gid = 65534;
      };
      users.users.root = {
        uid = 0;
        isSystemUser = true;
        group = "root";
        home = "/root";
        shell = "/bin/bash";
      };
      users.users.nobody = {
        uid = 65534;
        isSystemUser = true;
        group = "nogroup";
      };
      system.activationScripts = {
        users = {
          text = lib.optionalString byActivation makeUsers;
          deps = [ "specialfs" ];
        };
        groups.text = "";
        groups.deps = [ "users" ];
      };
    }

    (lib.mkIf userborn {
      systemd.services.userborn = {
        description = "Manage Users and Groups";
        wantedBy = [ "sysinit.target" ];
        requiredBy = [ "sysinit-reactivation.target" ];
        after = [ "systemd-remount-fs.service" ];
        before = [
          "systemd-tmpfiles-setup-dev.service"
          "sysinit.target"
          "shutdown.target"
          "sysinit-reactivation.target"
        ];
        conflicts = [ "shutdown.target" ];
        unitConfig.DefaultDependencies = false;
        aliases = [ "systemd-sysusers.service" ];
        restartTriggers = [ document ];
        stopIfChanged = false;
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = makeUsers;
        };
      };
    })

    (lib.mkIf sysusers {
      environment.etc."sysusers.d/00-nixos.conf".text = lib.concatLines (
        map (group: "g ${group.name} ${if group.gid == null then "-" else toString group.gid}") (
          lib.attrValues config.users.groups
        )
        ++ map (
          user:
          ''u ${user.name} ${
            if user.uid == null then "-" else toString user.uid
          }:${user.group} "${user.description}" ${user.home} ${toString user.shell}''
        ) (lib.attrValues config.users.users)
        ++ lib.concatMap (user: map (group: "m ${user.name} ${group}") (groupsOf user)) (
          lib.attrValues config.users.users
        )
      );
      systemd.services.systemd-sysusers = {
        overrideStrategy = "asDropin";
        unitConfig.ConditionNeedsUpdate = [ "" ];
        requiredBy = [ "sysinit-reactivation.target" ];
        before = [ "sysinit-reactivation.target" ];
        restartTriggers = [ config.environment.etc."sysusers.d/00-nixos.conf".source ];
      };
    })

    (lib.mkIf (!byActivation) {
      systemd.tmpfiles.settings.home-directories = lib.mapAttrs' (_: user: {
        name = user.home;
        value.d = {
          mode = user.homeMode;
          user = user.name;
          inherit (user) group;
        };
      }) (lib.filterAttrs (_: user: user.createHome && user.home != "/var/empty") config.users.users);
    })
  ];
}
