# The first of two hosts of a cluster. The second one is a process in a separate network namespace,
# which starts later.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  drivesOf =
    host:
    map (number: "/srv/${host}-${toString number}") [
      1
      2
    ];
  first = config.systemd.services.lakewright-server;
  ip = lib.getExe' pkgs.iproute2 "ip";

  # The value of systemd's specifier in the first one's unit.
  asFirst =
    specifier:
    lib.replaceStrings
      [ specifier ]
      [
        {
          "%d" = "/run/credentials/lakewright-server.service";
          "%t" = "/run";
        }
        .${specifier}
      ];
  # systemd's own settings are not used, because they would hide the credentials of the first host.
  second = pkgs.writeShellApplication {
    name = "second";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.iproute2
      pkgs.util-linux
    ];
    text = ''
      if [[ $# == 0 ]]; then
        exec unshare --mount "$0" inside
      fi
      for number in 1 2; do
        chown minio:minio "/srv/second-$number"
        mount --bind "/srv/second-$number" "/srv/disk-$number"
      done
      export HOME=/var/lib/minio
      exec ip netns exec second setpriv --reuid=minio --regid=minio --clear-groups \
        ${asFirst "%t" first.serviceConfig.ExecStart}
    '';
  };
in
{
  environment.systemPackages = [ pkgs.minio-client ];
  networking.hosts = {
    "10.77.0.1" = [ "lake-1" ];
    "10.77.0.2" = [ "lake-2" ];
  };
  systemd.services.network-of-two = {
    requiredBy = [ "lakewright-server.service" ];
    before = [ "lakewright-server.service" ];
    serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStart = [
        "${ip} netns add second"
        "${ip} link add to-second type veth peer name to-first netns second"
        "${ip} address add 10.77.0.1/24 dev to-second"
        "${ip} -n second address add 10.77.0.2/24 dev to-first"
        "${ip} link set to-second up"
        "${ip} -n second link set to-first up"
        "${ip} -n second link set lo up"
      ];
    };
  };
  systemd.mounts = map (drive: {
    what = "tmpfs";
    where = drive;
    type = "tmpfs";
    options = "size=64M";
    wantedBy = [ "local-fs.target" ];
  }) (drivesOf "disk" ++ drivesOf "second");

  systemd.tmpfiles.rules = [
    "f /var/lib/lake/root-user 0400 root root - lake-root"
    "f /var/lib/lake/root-password 0400 root root - correct-horse"
  ];
  services.lakewright.server = {
    enable = true;
    rootUserFile = "/var/lib/lake/root-user";
    rootPasswordFile = "/var/lib/lake/root-password";
    listen.address = null;
    hostName = "lake-1";
    pools = [
      {
        hosts = {
          prefix = "lake-";
          to = 2;
        };
        drives = {
          prefix = "/srv/disk-";
          to = 2;
        };
      }
    ];
  };

  # The same program with the same settings, as on another host.
  systemd.services.second = {
    environment = lib.mapAttrs (_: lib.mapNullable (asFirst "%d")) first.environment;
    serviceConfig.ExecStart = lib.getExe second;
  };
}
