# Restarts the server when a secret has changed in any way, and reloads it when a certificate has.
#
# systemd's credentials and MinIO's environment are copies from the start of the server.
# restartTriggers cover changes by a switch; this unit covers all others: files written by hand,
# sops-nix, a renewal by another program. Contents are compared, so that secrets that a switch only
# rewrites (agenix does so at every switch) cause no restart.
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
  # The path where the comparing unit finds the values that the server was started with.
  started = "/run/lakewright-server-watch/started";

  # Programs that renew certificates may replace the whole directory, which systemd reports only for
  # a watch on the directory itself.
  certificateFolders = lib.unique (
    lib.filter (folder: !lib.hasPrefix builtins.storeDir folder) (
      map (file: dirOf "${file}") cfg.tls.files
    )
  );
  # security.acme reloads the server itself, after both files were written.
  ownCertificate = cfg.tls.enable && cfg.tls.useACMEHost == null;

  compare = pkgs.writeShellApplication {
    name = "lakewright-server-watch";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.diffutils
      pkgs.systemd
    ];
    text =
      builtins.readFile ../../lib/foreign-files.sh
      + ''
        # systemd does not check the paths while this unit runs, so a program that writes several
        # files has a moment to finish.
        sleep 1

        # A stopped server stays stopped; a failed server may have lacked just this file. (A server
        # that is about to restart may exceed its start limit.)
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
          if differs ${lib.head cfg.tls.files} ${cfg.tls.folder}/public.crt; then
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
      # Files that change during the start are compared with the values of that start.
      after = [ unit ];
      # Two files that change together cause two events.
      startLimitIntervalSec = 0;
      serviceConfig = import ../../lib/hardening.nix // {
        Type = "oneshot";
        ExecStart = lib.getExe compare;
        # The unit waits for nothing but the disk.
        TimeoutStartSec = 30;
        # The unit reads files of all users as root, also in home directories, and queries systemd.
        CapabilityBoundingSet = "CAP_DAC_READ_SEARCH";
        PrivateUsers = false;
        ProtectHome = "read-only";
        RuntimeDirectory = "lakewright-server-watch";
        # systemd hides /run/credentials from a sandbox; the directory of the server is bound
        # explicitly.
        BindReadOnlyPaths = "-/run/credentials/${unit}:${started}";
        PrivateNetwork = true;
        RestrictAddressFamilies = "AF_UNIX";
      };
    };
  };
}
