# A host with a few units, for the tests of the container and the shim.
{ config, lib, ... }:
{
  imports = [ ../../nix/checks/host-key.nix ];

  age.secrets.word.file = ./small/sesame.age;

  users.users.anna = {
    isNormalUser = true;
    extraGroups = [ "keeper" ];
  };
  users.users.speaker = {
    isSystemUser = true;
    group = "speaker";
  };
  users.groups = {
    keeper = { };
    speaker = { };
  };
  environment.etc.greeting = {
    text = "hello";
    mode = "0644";
  };

  system.activationScripts.hook = {
    supportsDryActivation = true;
    text = ''
      if [ "$NIXOS_ACTION" = dry-activate ]; then echo "the dry hook ran"; else echo "the wet hook ran"; fi
    '';
  };

  systemd.services = {
    once = {
      wantedBy = [ "multi-user.target" ];
      script = "echo once";
      serviceConfig.Type = "oneshot";
      serviceConfig.RemainAfterExit = true;
    };
    breaks = {
      wantedBy = [ "multi-user.target" ];
      script = "echo on purpose; exit 3";
      serviceConfig.Type = "oneshot";
    };
    speaks = {
      wantedBy = [ "multi-user.target" ];
      # If a unit creates the users, agenix decrypts in a unit too, which has no order by itself.
      after = lib.mkIf (config.services.userborn.enable || config.systemd.sysusers.enable) [
        "agenix-install-secrets.service"
      ];
      restartTriggers = [ config.age.secrets.word.file ];
      script = ''
        cp --no-preserve=mode "$CREDENTIALS_DIRECTORY/word" /run/speaks/heard
        systemd-notify --ready
        exec sleep infinity
      '';
      serviceConfig = {
        Type = "notify";
        NotifyAccess = "all";
        User = "speaker";
        RuntimeDirectory = "speaks";
        LoadCredential = "word:${config.age.secrets.word.path}";
      };
    };
    leaves = {
      wantedBy = [ "multi-user.target" ];
      script = "sleep infinity";
    };
    ticks = {
      startAt = "daily";
      script = "echo tick";
    };
  };

  specialisation.other.configuration = {
    age.secrets.word.file = lib.mkForce ./small/open.age;
    environment.etc.greeting.enable = false;
    systemd.services.leaves.enable = false;
    systemd.services.comes = {
      wantedBy = [ "multi-user.target" ];
      script = "sleep infinity";
    };
  };
}
