# Users are made by a unit, so agenix decrypts in one: the server and the client wait for it.
{ pkgs, ... }:
{
  imports = [ ../lake.nix ];

  services.userborn.enable = true;
  # Whoever does not wait would find nothing.
  systemd.services.agenix-install-secrets.serviceConfig.ExecStartPre =
    "${pkgs.coreutils}/bin/sleep 4";
}
