# MinIO as a service: `services.lakewright.server`.
#
# This file has the user and the listening address. Each file of ./server declares the options of
# one topic and adds its part to the unit.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.lakewright.server;
  inherit (import ./server/values.nix { inherit lib; }) literal;

  addressOption =
    what:
    lib.mkOption {
      type = lib.types.nullOr (lib.types.strMatching "[0-9A-Za-z.:_-]+");
      default = "127.0.0.1";
      example = "10.0.0.5";
      description = ''
        Address on which ${what} listens: an IPv4 or IPv6 address without brackets, or a name of
        this host. `null` means every address.
      '';
    };
  bracketed = address: if lib.hasInfix ":" address then "[${address}]" else address;
  socket = at: "${if at.address == null then "" else bracketed at.address}:${toString at.port}";

  everywhere = [
    null
    "0.0.0.0"
    "::"
  ];
  isLoopback =
    address: address != null && (import ../lib/url.nix { inherit lib; }).isLoopback (bracketed address);
  scheme = if cfg.tls.enable then "https" else "http";
  # Programs of the host connect through loopback if possible, so that no name has to resolve.
  localHost =
    if cfg.tls.enable then
      cfg.tls.name
    else if lib.elem cfg.listen.address everywhere then
      "127.0.0.1"
    else
      bracketed cfg.listen.address;

  withPort =
    origin: port:
    if port == (if cfg.tls.enable then 443 else 80) then origin else "${origin}:${toString port}";

  # MinIO refuses hosts with different settings, so a distributed server has no default that depends
  # on the name of one host.
  ownName = cfg.tls.enable && !cfg.distributed;

  url = lib.types.strMatching "https?://[^/?#[:space:]]+/?";
  listening = [ cfg.listen ] ++ lib.optional cfg.console.enable cfg.console;
in
{
  imports = [
    ./server/drives.nix
    ./server/hardening.nix
    ./server/limits.nix
    ./server/notifications.nix
    ./server/secrets.nix
    ./server/settings.nix
    ./server/tls.nix
    ./server/watch.nix
  ];

  options.services.lakewright.server = {
    enable = lib.mkEnableOption "a MinIO server with its secrets, drives and certificates declared";

    package = lib.mkOption {
      type = lib.types.package;
      default = pkgs.silo or pkgs.minio;
      defaultText = lib.literalExpression "pkgs.silo or pkgs.minio";
      description = ''
        The server: a package with `bin/minio`. The default is the maintained fork silo, and MinIO's
        own last release where nixpkgs has no silo (nixpkgs calls that one insecure).
      '';
    };

    listen = {
      address = addressOption "the S3 API";
      port = lib.mkOption {
        type = lib.types.port;
        default = 9000;
        description = "TCP port of the S3 API.";
      };
    };

    console = {
      enable = lib.mkEnableOption "the web console" // {
        default = true;
      };
      address = addressOption "the web console";
      port = lib.mkOption {
        type = lib.types.port;
        default = 9001;
        description = "TCP port of the web console.";
      };
      url = lib.mkOption {
        type = lib.types.nullOr (lib.types.strMatching "https?://[^?#[:space:]]+");
        default =
          if ownName && !isLoopback cfg.console.address then
            withPort "https://${cfg.tls.name}" cfg.console.port
          else
            null;
        defaultText = lib.literalMD "under TLS `https://NAME:PORT` with the certificate's name, otherwise (and on loopback, and with several hosts) `null`";
        example = "https://console.example.org";
        description = ''
          Where browsers find the console (`MINIO_BROWSER_REDIRECT_URL`): the address of a reverse
          proxy, with its path if it serves the console under one. With `null` a browser that
          comes to the S3 port is sent to the console's port of the same host.
        '';
      };
    };

    url = lib.mkOption {
      type = lib.types.nullOr url;
      default = if ownName then cfg.endpoint else null;
      defaultText = lib.literalMD "under TLS `endpoint`, otherwise (and with several hosts) `null`";
      example = "https://s3.example.org";
      description = ''
        Where clients find the S3 API (`MINIO_SERVER_URL`): the address of a reverse proxy, or the
        certificate's name. The console signs in and makes links to share with it, so this host
        must resolve the name and trust the certificate. With `null` the console goes through
        loopback, and its links are good on this host only.
      '';
    };

    endpoint = lib.mkOption {
      type = url;
      readOnly = true;
      default = withPort "${scheme}://${localHost}" cfg.listen.port;
      defaultText = lib.literalMD "`http://127.0.0.1:PORT`, the address of `listen.address`, or `https://NAME:PORT`";
      description = "Where programs of this host find the S3 API. Read-only; other modules take it from here.";
    };

    region = lib.mkOption {
      type = lib.types.strMatching "[a-z][a-z0-9-]+";
      default = "us-east-1";
      example = "eu-central-1";
      description = ''
        Region of the server. Clients sign with it, and it stands in the ARN of every notification
        target.
      '';
    };

    prometheus.access = lib.mkOption {
      type = lib.types.enum [
        "jwt"
        "public"
      ];
      default = "jwt";
      description = ''
        The access to the metrics under `/minio/v2/metrics/` and `/minio/metrics/v3/`: `jwt` takes
        a bearer token (`mc admin prometheus generate`), `public` allows every client that reaches the port.
      '';
    };

    openFirewall = lib.mkEnableOption "the ports of the S3 API and of the console in the firewall";
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !(config.services.minio.enable or false);
        message = ''
          services.lakewright.server and services.minio are both enabled, and would run two servers
          on the same data. Disable services.minio: its user, its group and its data are taken over
          as they are (name its dataDir in services.lakewright.server.drives if it is not the default).
        '';
      }
      {
        assertion = cfg.openFirewall -> !(lib.all (at: isLoopback at.address) listening);
        message = ''
          services.lakewright.server.openFirewall opens ports on which the server listens on
          loopback only. Set listen.address (null for every address).
        '';
      }
      {
        assertion = cfg.console.enable -> cfg.console.port != cfg.listen.port;
        message = "services.lakewright.server: the S3 API and the console cannot both listen on port ${toString cfg.listen.port}.";
      }
      {
        assertion = cfg.distributed -> !(isLoopback cfg.listen.address);
        message = ''
          services.lakewright.server.pools names several hosts, but listen.address is loopback: the
          other hosts would not reach this one. Set listen.address (null for every address).
        '';
      }
    ];

    # The user is the same as in services.minio, so that existing data belongs to it.
    users.users.minio = {
      isSystemUser = true;
      group = "minio";
      uid = config.ids.uids.minio;
    };
    users.groups.minio.gid = config.ids.uids.minio;

    networking.firewall.allowedTCPPorts = lib.mkIf cfg.openFirewall (
      map (at: at.port) (lib.filter (at: !isLoopback at.address) listening)
    );

    systemd.services.lakewright-server = {
      description = "MinIO object storage";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];

      # A server that cannot start is tried five times within seconds and then fails visibly; a
      # server that crashed is restarted at once.
      startLimitIntervalSec = 60;
      startLimitBurst = 5;

      environment = {
        MINIO_SITE_REGION = cfg.region;
        MINIO_PROMETHEUS_AUTH_TYPE = cfg.prometheus.access;
        MINIO_BROWSER = if cfg.console.enable then "on" else "off";
        MINIO_SERVER_URL = lib.mapNullable literal cfg.url;
        MINIO_BROWSER_REDIRECT_URL =
          if cfg.console.enable then lib.mapNullable literal cfg.console.url else null;
        # The program is in the Nix store and cannot update itself.
        MINIO_UPDATE = "off";
      };

      serviceConfig = {
        # Each host of a distributed server reports readiness only after it has found enough of the
        # others, so a switch on the first host would wait for the last.
        Type = if cfg.distributed then "exec" else "notify";
        NotifyAccess = "main";
        User = "minio";
        Group = "minio";
        RuntimeDirectory = "lakewright-server";
        RuntimeDirectoryMode = "0700";
        # ~/.minio is not used.
        ExecStart = lib.concatStringsSep " " (
          [
            "${cfg.package}/bin/minio server"
            "--address ${socket cfg.listen}"
          ]
          ++ lib.optional cfg.console.enable "--console-address ${socket cfg.console}"
          ++ [
            "--certs-dir ${cfg.tls.folder}"
            # This option omits credentials from the messages at start.
            "--anonymous"
          ]
          ++ cfg.arguments
        );
        Restart = "on-failure";
        RestartSec = 2;
        TimeoutStartSec = "5min";
      };
    };
  };
}
