# What people on the host find: the commands, and a profile that knows the server.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.lakewright.client;
  operators = lib.findFirst (stack: stack.users ? ${cfg.operatorsUser}) null (
    lib.attrValues cfg.stacks
  );
in
{
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [
      cfg.package
      cfg.minioClientPackage
    ];

    # Everybody reads it, so it says where keys are, and never what they are.
    environment.etc."lakewright/profiles.toml".source =
      (pkgs.formats.toml { }).generate "lakewright-profiles.toml"
        {
          default = {
            inherit (cfg) endpoint region;
          }
          // lib.optionalAttrs (cfg.caFile != null) { ca_file = "${cfg.caFile}"; }
          // lib.optionalAttrs (cfg.operatorsGroup != null && operators != null) {
            access_key_id = cfg.operatorsUser;
            secret_access_key.file = operators.users.${cfg.operatorsUser}.secretFile;
          };
        };

    users.groups = lib.mkIf (cfg.operatorsGroup != null) { ${cfg.operatorsGroup} = { }; };
  };
}
