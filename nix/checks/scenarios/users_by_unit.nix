# Users are created by a unit, so agenix decrypts in a unit too: the server and the client wait for
# it.
{ lib, pkgs, ... }:
{
  imports = [ ../lake.nix ];

  services.userborn.enable = true;
  # A secret that belongs to another service.
  age.secrets.other.file = lib.mkDefault ../../../secrets/etl.age;
  specialisation.other.configuration.age.secrets.other.file = ../../../secrets/etl-rotated.age;
  specialisation.rotated.configuration.services.lakewright.age = {
    rootPassword = lib.mkForce ../../../secrets/minio-root-password-rotated.age;
    users.lake.etl = ../../../secrets/etl-rotated.age;
  };
  # Without waiting, the units would find no secrets.
  systemd.services.agenix-install-secrets.serviceConfig.ExecStartPre =
    "${pkgs.coreutils}/bin/sleep 4";
}
