# The programs and files for users of the host: the commands, the specs, and a profile of the
# server.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.lakewright.client;
  command = import ./command.nix { inherit config lib pkgs; };
  operators = lib.findFirst (stack: stack.users ? ${cfg.operatorsUser}) null (
    lib.attrValues cfg.stacks
  );

  # The file is world-readable, so it contains the paths of secrets and not their values.
  profile = {
    inherit (cfg) endpoint region;
  }
  // lib.optionalAttrs (cfg.caFile != null) { ca_file = "${cfg.caFile}"; }
  // lib.optionalAttrs (cfg.operatorsGroup != null && operators != null) {
    access_key_id = cfg.operatorsUser;
    secret_access_key.file = operators.users.${cfg.operatorsUser}.secretFile;
  };
in
{
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [
      cfg.package
      cfg.minioClientPackage
      # The command is useful only for root, because other users cannot read the secrets.
      command.adminScript
    ];

    environment.etc =
      lib.mapAttrs' (
        name: stack: lib.nameValuePair "lakewright/stacks/${name}.json" { source = stack.specFile; }
      ) cfg.stacks
      // {
        # The connection for programs of the host. The file belongs to root, because root's programs
        # may read it, and it holds no secret.
        "lakewright/environment".text = lib.generators.toKeyValue { } command.connection;
        "lakewright/profiles.toml".source = (pkgs.formats.toml { }).generate "lakewright-profiles.toml" {
          default = profile;
        };
      };

    users.groups = lib.mkIf (cfg.operatorsGroup != null) { ${cfg.operatorsGroup} = { }; };
  };
}
