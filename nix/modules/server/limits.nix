# Resource limits of the server.
{
  config,
  lib,
  ...
}:
let
  cfg = config.services.lakewright.server;
in
{
  options.services.lakewright.server.limits = {
    memory = lib.mkOption {
      type = lib.types.nullOr (
        lib.types.either lib.types.ints.positive (lib.types.strMatching "[0-9]+[KMGT]|[0-9]{1,3}%")
      );
      default = null;
      example = "8G";
      description = ''
        Most memory, in bytes or with K, M, G or T (powers of 1024), or a share of the host's. What
        goes beyond is reclaimed, and at last ends the server, which systemd starts again. MinIO
        accepts as many requests at once as this leaves room for.
      '';
    };
    cpu = lib.mkOption {
      type = lib.types.nullOr lib.types.ints.positive;
      default = null;
      example = 200;
      description = "Most processor time in percent of one processor: 200 is two of them.";
    };
    tasks = lib.mkOption {
      type = lib.types.nullOr lib.types.ints.positive;
      default = null;
      description = "Most threads. With `null` the system's own limit holds.";
    };
    openFiles = lib.mkOption {
      type = lib.types.ints.positive;
      default = 1048576;
      description = "Most files and connections open at once.";
    };
  };

  config.systemd.services.lakewright-server = lib.mkIf cfg.enable {
    serviceConfig = {
      MemoryMax = lib.mkIf (cfg.limits.memory != null) cfg.limits.memory;
      CPUQuota = lib.mkIf (cfg.limits.cpu != null) "${toString cfg.limits.cpu}%";
      TasksMax = lib.mkIf (cfg.limits.tasks != null) cfg.limits.tasks;
      LimitNOFILE = cfg.limits.openFiles;
    };
  };
}
