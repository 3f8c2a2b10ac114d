# A server on four drives, one of which is replaced by an empty one.
{ lib, ... }:
let
  drives = map (number: "/srv/disk-${toString number}") (lib.range 1 4);
in
{
  imports = [ ../lake.nix ];

  services.lakewright.server.drives = drives;
  systemd.mounts = map (drive: {
    what = "tmpfs";
    where = drive;
    type = "tmpfs";
    options = "size=256M";
    wantedBy = [ "local-fs.target" ];
  }) drives;
}
