# TLS: a certificate and a key from files, or those of security.acme.
#
# MinIO reads public.crt and private.key from one folder, and reads them again on SIGHUP. A step that
# runs as root copies them there at start and at reload: the server's user needs no access to the
# original files, and a renewal does not interrupt connections. (A systemd credential would not
# change after the start.) The folder belongs to root: the server's user can read it only.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.lakewright.server;
  inherit (import ../../lib/types.nix { inherit lib; }) publicFile secretFile;
  acme = config.security.acme.certs.${cfg.tls.useACMEHost};
  byAcme = cfg.tls.useACMEHost != null;
  byFiles = cfg.tls.certificateFile != null || cfg.tls.keyFile != null;

  address = if cfg.listen.address == "localhost" then "127.0.0.1" else cfg.listen.address;
  # False for wildcard addresses and for names.
  isAddress =
    address:
    address != null
    && (builtins.match "[0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*" address != null)
    && !(lib.elem address [
      "0.0.0.0"
      "::"
    ]);

  install = pkgs.writeShellApplication {
    name = "lakewright-server-certificates";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.openssl
      pkgs.systemd
    ];
    text = builtins.readFile ../../lib/foreign-files.sh + builtins.readFile ./certificates.sh;
  };
in
{
  options.services.lakewright.server.tls = {
    certificateFile = lib.mkOption {
      type = lib.types.nullOr publicFile;
      default = null;
      example = "/etc/ssl/minio.pem";
      description = ''
        Certificate in PEM, followed by those that it needs up to its authority. With `keyFile` it
        turns TLS on, for the console too. A new one is taken up within seconds (see
        `watchSecrets`) or by `systemctl reload lakewright-server`, without a restart.
      '';
    };
    keyFile = lib.mkOption {
      type = lib.types.nullOr secretFile;
      default = null;
      example = "/run/agenix/minio-tls-key";
      description = "Private key of the certificate, in PEM. Read as root.";
    };
    useACMEHost = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = "s3.example.org";
      description = ''
        Name under `security.acme.certs` whose certificate turns TLS on, in place of the two files.
        Its renewals reload the server. The server's user need not be in the certificate's group.
      '';
    };
    name = lib.mkOption {
      type = lib.types.nullOr (lib.types.strMatching "[A-Za-z0-9.-]+");
      default =
        if byAcme then
          acme.domain
        else if cfg.tls.enable then
          config.networking.fqdnOrHostName
        else
          null;
      defaultText = lib.literalMD "the domain of the ACME host, otherwise `networking.fqdnOrHostName`";
      example = "s3.example.org";
      description = ''
        Name in the certificate by which clients call the server. This host's own programs use it
        too: where the server listens on one address, the host finds it there
        ({option}`networking.hosts`); where it listens on every address, the name must resolve here.
      '';
    };
    enable = lib.mkOption {
      type = lib.types.bool;
      readOnly = true;
      default = byAcme || byFiles;
      defaultText = lib.literalMD "whether a certificate is named";
      description = "Whether the server speaks TLS. Read-only.";
    };
    files = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      readOnly = true;
      internal = true;
      default =
        if byAcme then
          [
            "${acme.directory}/fullchain.pem"
            "${acme.directory}/key.pem"
          ]
        else
          lib.optionals byFiles [
            "${cfg.tls.certificateFile}"
            cfg.tls.keyFile
          ];
      description = "The certificate and the key.";
    };
    folder = lib.mkOption {
      type = lib.types.str;
      readOnly = true;
      internal = true;
      # MinIO needs a folder without TLS too, and creates it.
      default =
        if cfg.tls.enable then "/run/lakewright-server-certificates" else "%t/lakewright-server/certs";
      description = "Folder from which MinIO reads the certificate and the key.";
    };
  };

  config = lib.mkIf (cfg.enable && cfg.tls.enable) {
    assertions = [
      {
        assertion = !(byAcme && byFiles);
        message = "services.lakewright.server.tls: useACMEHost names a certificate, and certificateFile and keyFile another. Keep one.";
      }
      {
        assertion = byAcme || (cfg.tls.certificateFile != null && cfg.tls.keyFile != null);
        message = "services.lakewright.server.tls: certificateFile and keyFile are needed both.";
      }
    ];

    # NixOS maps the host's own name to 127.0.0.2, where a server that listens on one address cannot
    # be reached. A client tries all addresses of a name in turn.
    networking.hosts = lib.mkIf (isAddress address) {
      ${address} = [ cfg.tls.name ];
    };

    security.acme.certs = lib.mkIf byAcme {
      ${cfg.tls.useACMEHost}.reloadServices = [ "lakewright-server.service" ];
    };

    systemd.services.lakewright-server = {
      wants = lib.mkIf byAcme [ "acme-${cfg.tls.useACMEHost}.service" ];
      after = lib.mkIf byAcme [ "acme-${cfg.tls.useACMEHost}.service" ];
      serviceConfig =
        let
          step = "+${lib.getExe install} ${lib.escapeShellArgs (cfg.tls.files ++ [ cfg.tls.folder ])}";
        in
        {
          ExecStartPre = [ step ];
          ExecReload = [ step ];
          # A key in clear text exists only while the server runs.
          ExecStopPost = [ "+${lib.getExe' pkgs.coreutils "rm"} -rf ${cfg.tls.folder}" ];
        };
    };
  };
}
