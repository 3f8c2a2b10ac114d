# The server's first starts fail, as when a disk or a network becomes available late.
{ lib, pkgs, ... }:
{
  imports = [ ../lake.nix ];

  systemd.services.lakewright-server.serviceConfig.ExecStartPre = lib.mkBefore [
    "+${pkgs.coreutils}/bin/test -e /var/lib/lake-may-start"
  ];
}
