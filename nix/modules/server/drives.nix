# The storage of the server: drives of this host, or pools of several hosts.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.lakewright.server;
  inherit (import ../../lib/types.nix { inherit lib; }) hostPath;

  # `prefix{from...to}suffix`, which MinIO expands to several names.
  series =
    part:
    lib.types.submodule {
      options = {
        prefix = lib.mkOption {
          type = part;
          description = "Text before the number.";
        };
        from = lib.mkOption {
          type = lib.types.ints.unsigned;
          default = 1;
          description = "First number.";
        };
        to = lib.mkOption {
          type = lib.types.ints.unsigned;
          description = "Last number.";
        };
        digits = lib.mkOption {
          type = lib.types.ints.positive;
          default = 1;
          description = "At least so many digits: with 2, one is `01`.";
        };
        suffix = lib.mkOption {
          type = lib.types.strMatching "[A-Za-z0-9@_.,+=/-]*";
          default = "";
          description = "Text after the number.";
        };
      };
    };
  number = of: lib.fixedWidthNumber of.digits;
  # fixedWidthNumber refuses numbers that are longer than the width.
  digitsOf = of: n: if lib.stringLength (toString n) >= of.digits then toString n else number of n;
  notation = of: "${of.prefix}{${digitsOf of of.from}...${digitsOf of of.to}}${of.suffix}";
  names = of: map (n: "${of.prefix}${digitsOf of n}${of.suffix}") (lib.range of.from of.to);
  size = of: if of == null then 1 else of.to - of.from + 1;

  scheme = if cfg.tls.enable then "https" else "http";
  argumentOf =
    pool:
    if pool.hosts == null then
      notation pool.drives
    else
      "${scheme}://${notation pool.hosts}:${toString cfg.listen.port}${notation pool.drives}";
  drivesOf = pool: size pool.hosts * size pool.drives;

  isHere = pool: pool.hosts == null || lib.elem cfg.hostName (names pool.hosts);
  # The drives of this host.
  here =
    if cfg.pools == [ ] then
      cfg.drives
    else
      lib.unique (lib.concatMap (pool: names pool.drives) (lib.filter isHere cfg.pools));
  several = lib.length here > 1;
  # The name of the file in tmpfiles.d.
  settings = "10-lakewright-server";

  # MinIO divides a pool into sets of the same number of drives, 2 to 16.
  divides = total: total == 1 || lib.any (set: lib.mod total set == 0) (lib.range 2 16);
  totals = if cfg.pools == [ ] then [ (lib.length cfg.drives) ] else map drivesOf cfg.pools;

  # The mount points of the configuration, and the one that contains a path.
  mountPoints =
    lib.mapAttrsToList (_: fileSystem: fileSystem.mountPoint) config.fileSystems
    ++ map (mount: mount.where) config.systemd.mounts;
  isUnder = path: point: point == "/" || path == point || lib.hasPrefix "${point}/" path;
  mountPointOf =
    path:
    lib.foldl' (
      longest: point:
      if isUnder path point && lib.stringLength point > lib.stringLength longest then point else longest
    ) "" mountPoints;
  onRoot = lib.filter (drive: mountPointOf drive == "/") here;
  # ProtectHome hides these directories.
  homes = lib.filter (
    drive:
    lib.any (isUnder drive) [
      "/home"
      "/root"
      "/run/user"
    ]
  ) here;
in
{
  options.services.lakewright.server = {
    drives = lib.mkOption {
      type = lib.types.nonEmptyListOf hostPath;
      default = [ "/var/lib/minio/data" ];
      example = [
        "/srv/disk-1"
        "/srv/disk-2"
        "/srv/disk-3"
        "/srv/disk-4"
      ];
      description = ''
        Folders of the data, one a drive; they are made if they are not there, and where one is a
        mount point, its top folder becomes the server's whenever that starts. One may lie
        anywhere. Several make an erasure set that survives the loss of some of them (of four, of
        two while reading), and each has to be a file system of its own: MinIO leaves those that
        lie on `/` out, so they are refused here, and when half of them or more lie there when the
        server starts. A drive that is not mounted does not keep the server from starting as
        long as enough of the others are.
      '';
    };

    pools = lib.mkOption {
      type = lib.types.listOf (
        lib.types.submodule {
          options = {
            hosts = lib.mkOption {
              type = lib.types.nullOr (series (lib.types.strMatching "[A-Za-z0-9.-]+"));
              default = null;
              example = {
                prefix = "minio-";
                to = 4;
                suffix = ".example.org";
              };
              description = "Hosts of the pool, by the names under which they find each other; `null` means this host alone.";
            };
            drives = lib.mkOption {
              type = series hostPath;
              example = {
                prefix = "/srv/disk-";
                to = 4;
              };
              description = "Drives that each of the hosts has.";
            };
          };
        }
      );
      default = [ ];
      description = ''
        Pools of drives, in place of `drives`: for several hosts, and for servers that grow by a
        further pool. A pool is never changed once it holds data; another is added behind it.

        All hosts of a cluster have the same list in the same order, the same port, package, root
        user and password, and the same settings: MinIO does not start where they differ. Under TLS
        each host's certificate is for the name by which the list calls it, from an authority that
        all of them trust ({option}`security.pki.certificateFiles`).
      '';
    };

    hostName = lib.mkOption {
      type = lib.types.str;
      default = config.networking.fqdnOrHostName;
      defaultText = lib.literalExpression "config.networking.fqdnOrHostName";
      description = "Name by which `pools` calls this host.";
    };

    arguments = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      internal = true;
      readOnly = true;
      default = if cfg.pools == [ ] then cfg.drives else map argumentOf cfg.pools;
      description = "Drives as MinIO's command line takes them.";
    };

    distributed = lib.mkOption {
      type = lib.types.bool;
      internal = true;
      readOnly = true;
      default = lib.any (pool: pool.hosts != null) cfg.pools;
      description = "Whether there are other hosts.";
    };

    localDrives = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      internal = true;
      readOnly = true;
      default = here;
      description = "Folders on this host that the server writes to.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = lib.length (lib.unique here) == lib.length here;
        message = "services.lakewright.server.drives names a drive twice: ${toString here}.";
      }
      {
        assertion = !(several && onRoot != [ ]);
        message = ''
          services.lakewright.server has several drives, and these lie on the file system of `/`: ${toString onRoot}.
          MinIO does not use such a drive beside others. Mount a file system at each (fileSystems),
          or name a single drive.
        '';
      }
      {
        assertion = homes == [ ];
        message = "services.lakewright.server: the unit does not see the homes of people, and these drives lie there: ${toString homes}.";
      }
      {
        assertion = lib.all (pool: size pool.drives > 0 && size pool.hosts > 0) cfg.pools;
        message = "services.lakewright.server.pools: a series ends before it begins (`to` is less than `from`).";
      }
      {
        assertion = lib.all divides totals;
        message = ''
          services.lakewright.server: MinIO spreads a pool over sets of 2 to 16 drives, all of one
          size, and these numbers of drives cannot be divided so: ${
            toString (lib.filter (total: !(divides total)) totals)
          }.
        '';
      }
      {
        assertion = lib.length cfg.pools > 1 -> lib.all (total: total > 1) totals;
        message = "services.lakewright.server.pools: beside another pool, a pool needs two drives or more.";
      }
      {
        assertion = cfg.pools != [ ] -> lib.any isHere cfg.pools;
        message = "services.lakewright.server.pools names no host ${cfg.hostName}: set services.lakewright.server.hostName to the name that stands there.";
      }
      {
        assertion = lib.all (pool: (pool.hosts == null) == !cfg.distributed) cfg.pools;
        message = "services.lakewright.server.pools: with several hosts every pool names its hosts.";
      }
    ];

    # Created with the same owner as in services.minio; existing contents are not changed.
    systemd.tmpfiles.settings.${settings} = lib.genAttrs here (_: {
      d = {
        user = "minio";
        group = "minio";
        # The colon limits the mode to newly created directories.
        mode = ":0750";
      };
    });

    systemd.services.lakewright-server = {
      # The loss of the only drive stops the server. With several drives, the server waits for each
      # at start and tolerates the loss of some.
      unitConfig = {
        ${if several then "WantsMountsFor" else "RequiresMountsFor"} = here;
      };
      serviceConfig = {
        ReadWritePaths = map (drive: "-${drive}") here;
        # systemd-tmpfiles makes the server the owner at boot, but the top folder of a disk that was
        # mounted later or replaced belongs to root. It follows no link of an unprivileged user to a
        # folder of another one. A broken disk is left to MinIO, which continues without it. This
        # runs before the check, which tests that the drives exist.
        ExecStartPre = lib.mkBefore [
          "+-${lib.getExe' pkgs.systemd "systemd-tmpfiles"} --create ${settings}.conf"
        ];
      };
    };
  };
}
