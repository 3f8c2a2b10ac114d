# A changed secret restarts the server, a changed certificate reloads it, whoever changed the file.
#
# systemd's credentials and MinIO's environment are copies from when the server started.
# restartTriggers see what a switch changes; this sees the rest: files written by hand, sops-nix, a
# renewal by another program. It compares contents, so that secrets which a switch merely writes
# anew (agenix does at every one) restart nothing.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.lakewright.server;
  watched = import ../../lib/watched.nix { inherit lib; };
  unit = "lakewright-server.service";
  # Where the comparing unit sees what the server was started with.
  started = "/run/lakewright-server-watch/started";

  # Programs that renew certificates may put a new folder in the place of the old one, of which
  # systemd tells only who watches the folder.
  certificateFolders = lib.unique (
    lib.filter (folder: !lib.hasPrefix builtins.storeDir folder) (
      map (file: dirOf "${file}") cfg.tls.files
    )
  );
  # security.acme reloads the server itself, and not between writing the one file and the other.
  ownCertificate = cfg.tls.enable && cfg.tls.useACMEHost == null;

  compare = pkgs.writeShellApplication {
    name = "lakewright-server-watch";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.diffutils
      pkgs.systemd
    ];
    text = ''
      # systemd does not look while this runs, so whoever writes several files has a moment for it.
      sleep 1

      # Whether file $1 is there and is not what the server has of it, $2.
      differs() { [[ -s $1 && -e $2 ]] && ! cmp --quiet "$1" "$2"; }

      # Who was stopped stays so; who failed may have lacked just this. (Who is about to be started
      # again may find that it was started too often.)
      case $(systemctl show --property SubState --value ${unit}) in
        running) ;;
        failed | auto-restart*)
          echo "A secret or the certificate was written: starting the server again."
          systemctl reset-failed ${unit}
          exec systemctl start --no-block ${unit}
          ;;
        *) exit ;;
      esac
    ''
    + lib.concatLines (
      lib.mapAttrsToList (id: file: ''
        if differs ${file} ${started}/${id}; then
          echo "${file} has changed: restarting the server."
          exec systemctl restart --no-block ${unit}
        fi
      '') cfg.loaded
      ++ lib.optional ownCertificate ''
        if differs ${lib.head cfg.tls.files} /run/lakewright-server/certs/public.crt; then
          echo "The certificate has changed: reloading it."
          exec systemctl reload --no-block ${unit}
        fi
      ''
    );
  };
in
{
  options.services.lakewright.server.watchSecrets = lib.mkOption {
    type = lib.types.bool;
    default = true;
    description = ''
      Whether the server is restarted when one of its secret files has other contents than the
      server was started with, reloaded when the certificate has, and started again after a failure
      when one of them is written.
    '';
  };

  config = lib.mkIf (cfg.enable && cfg.watchSecrets) {
    systemd.paths.lakewright-server-watch = {
      description = "Secrets and certificates of the MinIO server";
      wantedBy = [ "multi-user.target" ];
      pathConfig.PathChanged = watched (
        lib.attrValues cfg.loaded ++ lib.optionals ownCertificate (cfg.tls.files ++ certificateFolders)
      );
    };
    systemd.services.lakewright-server-watch = {
      description = "Take up changed secrets and certificates of the MinIO server";
      # What is written while it starts is compared with what it was started with.
      after = [ unit ];
      # Two files that change together are two events.
      startLimitIntervalSec = 0;
      serviceConfig = import ../../lib/hardening.nix // {
        Type = "oneshot";
        ExecStart = lib.getExe compare;
        # It reads everybody's files as root, and asks systemd. Secrets may lie in a home.
        CapabilityBoundingSet = "CAP_DAC_READ_SEARCH";
        PrivateUsers = false;
        ProtectHome = "read-only";
        RuntimeDirectory = "lakewright-server-watch";
        # systemd hides /run/credentials from a sandbox; the server's is asked for by name.
        BindReadOnlyPaths = "-/run/credentials/${unit}:${started}";
        PrivateNetwork = true;
        RestrictAddressFamilies = "AF_UNIX";
      };
    };
  };
}
