# The server's secrets: loaded by systemd and checked before MinIO reads them.
#
# MinIO starts with its published default credentials if the configured file is missing or empty,
# and without encryption if the file of the KMS key is. So the files are checked before systemd loads
# them, and their values before MinIO reads them. A file that vanishes in between becomes a credential
# of a line break (SetCredential= does not allow an empty one), which the second check refuses.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.lakewright.server;
  inherit (import ../../lib/types.nix { inherit lib; }) secretFile;

  checkFiles =
    import ../../lib/check-files.nix { inherit lib pkgs; } "lakewright-server-check-files"
      (
        lib.mapAttrsToList (id: file: {
          owner = id;
          inherit file;
          # The name of the root user is not a secret, because every request contains it.
          public = id == "root-user";
        }) cfg.loaded
      );

  check = pkgs.writeShellApplication {
    name = "lakewright-server-check";
    runtimeInputs = [ pkgs.coreutils ];
    text = lib.concatLines (
      [
        (builtins.readFile ./check.sh)
        "check_root ${cfg.rootUserFile} ${cfg.rootPasswordFile}"
      ]
      ++ lib.optional (cfg.kmsKeyFile != null) "check_kms_key ${cfg.kmsKeyFile}"
      ++ lib.mapAttrsToList (id: file: "read_credential ${id} ${file}") cfg.credentials
      ++ lib.optional (lib.length cfg.localDrives > 1) "check_drives ${toString cfg.localDrives}"
      ++ lib.optional (cfg.secretSettings != { }) "begin_settings"
      ++ lib.mapAttrsToList (name: file: "add_setting ${name} ${file}") cfg.secretSettings
    );
  };
in
{
  options.services.lakewright.server = {
    rootUserFile = lib.mkOption {
      type = secretFile;
      example = "/run/agenix/minio-root-user";
      description = ''
        File with the name of the root user, three characters or more, in one line. systemd reads
        it as root when the server starts, so it may belong to root alone.
      '';
    };
    rootPasswordFile = lib.mkOption {
      type = secretFile;
      example = "/run/agenix/minio-root-password";
      description = ''
        File with the password of the root user, eight characters or more, in one line. Read as
        `rootUserFile` is.
      '';
    };
    kmsKeyFile = lib.mkOption {
      type = lib.types.nullOr secretFile;
      default = null;
      example = "/run/agenix/minio-kms-key";
      description = ''
        File with a key for encryption at rest: `NAME:KEY`, 32 random bytes in base64
        (`echo "lake:$(head -c 32 /dev/urandom | base64)"`). Users and policies are encrypted with
        it too: a server that has lost it does not start again on its data, and it cannot be
        replaced by another.
      '';
    };
    credentials = lib.mkOption {
      type = lib.types.attrsOf secretFile;
      default = { };
      internal = true;
      description = "Further files that MinIO reads itself, by the names of their credentials.";
    };
    loaded = lib.mkOption {
      type = lib.types.attrsOf secretFile;
      readOnly = true;
      internal = true;
      default = {
        root-user = cfg.rootUserFile;
        root-password = cfg.rootPasswordFile;
      }
      // lib.optionalAttrs (cfg.kmsKeyFile != null) { kms-key = cfg.kmsKeyFile; }
      // cfg.secretSettings
      // cfg.credentials;
      description = "All files that systemd loads, by the names of their credentials.";
    };
  };

  config = lib.mkIf cfg.enable {
    systemd.services.lakewright-server = {
      environment = {
        MINIO_ROOT_USER_FILE = "%d/root-user";
        MINIO_ROOT_PASSWORD_FILE = "%d/root-password";
        MINIO_KMS_SECRET_KEY_FILE = lib.mkIf (cfg.kmsKeyFile != null) "%d/kms-key";
        # MinIO reads these lines itself, so the values are not in the environment of any process.
        MINIO_CONFIG_ENV_FILE = lib.mkIf (cfg.secretSettings != { }) "%t/lakewright-server/settings";
      };
      serviceConfig = {
        LoadCredential = lib.mapAttrsToList (id: file: "${id}:${file}") cfg.loaded;
        SetCredential = map (id: "${id}:\\n") (lib.attrNames cfg.loaded);
        ExecCondition = [ "+${lib.getExe checkFiles}" ];
        ExecStartPre = [ (lib.getExe check) ];
      };
    };
  };
}
