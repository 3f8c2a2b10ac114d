# The server's first starts fail, as they do when a disk or a network comes late.
{ lib, pkgs, ... }:
{
  imports = [ ../lake.nix ];

  systemd.services.lakewright-server.serviceConfig.ExecStartPre = lib.mkBefore [
    "+${pkgs.coreutils}/bin/test -e /var/lib/lake-may-start"
  ];
}
