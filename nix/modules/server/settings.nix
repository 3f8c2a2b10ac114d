# Other settings of MinIO's environment.
{
  config,
  lib,
  ...
}:
let
  cfg = config.services.lakewright.server;
  inherit (import ../../lib/types.nix { inherit lib; }) secretFile;

  values = import ./values.nix { inherit lib; };
  inherit (values) hasPassword literal;

  isName = name: builtins.match "MINIO_[A-Za-z0-9_]+" name != null;
  holdsSecret =
    name:
    builtins.match ".*(PASSWORD|PASSWD|SECRET|TOKEN|API_KEY|LICENSE).*" name != null
    || hasPassword cfg.settings.${name};
  # Variables that are reserved for options of this module.
  ours = [
    "MINIO_ADDRESS"
    "MINIO_ACCESS_KEY"
    "MINIO_BROWSER"
    "MINIO_BROWSER_REDIRECT_URL"
    "MINIO_CONFIG_ENV_FILE"
    "MINIO_CONSOLE_ADDRESS"
    "MINIO_KMS_SECRET_KEY"
    "MINIO_KMS_SECRET_KEY_FILE"
    "MINIO_PROMETHEUS_AUTH_TYPE"
    "MINIO_REGION"
    "MINIO_ROOT_PASSWORD"
    "MINIO_ROOT_PASSWORD_FILE"
    "MINIO_ROOT_USER"
    "MINIO_ROOT_USER_FILE"
    "MINIO_SECRET_KEY"
    "MINIO_SERVER_URL"
    "MINIO_SITE_REGION"
    "MINIO_UPDATE"
    "MINIO_VOLUMES"
  ];
  isOurs = name: lib.elem name ours || lib.hasPrefix "MINIO_NOTIFY_" name;

  plain = lib.attrNames cfg.settings;
  secret = lib.attrNames cfg.secretSettings;
  refused = test: names: lib.filter test names;
in
{
  options.services.lakewright.server = {
    settings = lib.mkOption {
      type = lib.types.attrsOf values.type;
      default = { };
      example = {
        MINIO_SCANNER_SPEED = "slow";
        MINIO_STORAGE_CLASS_STANDARD = "EC:2";
        MINIO_COMPRESSION_ENABLE = true;
      };
      description = ''
        Further settings by MinIO's own names; booleans become `on` and `off`. They stand in the
        unit, which everybody can read: what holds a secret is refused and goes to `secretSettings`.
      '';
    };

    secretSettings = lib.mkOption {
      type = lib.types.attrsOf secretFile;
      default = { };
      example = {
        MINIO_IDENTITY_OPENID_CLIENT_SECRET = "/run/agenix/minio-openid";
      };
      description = ''
        Further settings whose values are secret, each with the file that holds its value in one
        line. A user who may read MinIO's state (`mc admin info`) can see some of them.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = lib.all isName (plain ++ secret);
        message = "services.lakewright.server.settings takes MinIO's names (MINIO_…), not ${
          toString (refused (name: !(isName name)) (plain ++ secret))
        }.";
      }
      {
        assertion = !(lib.any isOurs (plain ++ lib.subtractLists cfg.notificationSecrets secret));
        message = "services.lakewright.server.settings: there are options of their own for ${
          toString (refused isOurs (plain ++ lib.subtractLists cfg.notificationSecrets secret))
        }.";
      }
      {
        assertion = !(lib.any holdsSecret plain);
        message = "services.lakewright.server.settings would put secrets into the Nix store: give ${toString (refused holdsSecret plain)} in secretSettings, as files.";
      }
    ];

    systemd.services.lakewright-server.environment = lib.mapAttrs (_: literal) cfg.settings;
  };
}
