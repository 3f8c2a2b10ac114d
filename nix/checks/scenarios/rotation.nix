# Secrets are encrypted anew, of a user and of the server's root.
{ lib, ... }:
{
  imports = [ ../lake.nix ];

  specialisation.rotated.configuration.services.lakewright.age = {
    rootPassword = lib.mkForce ../../../secrets/minio-root-password-rotated.age;
    users.lake.etl = ../../../secrets/etl-rotated.age;
  };
  # Everything is encrypted again to the same contents, or the same files come by another path.
  specialisation.same.configuration.environment.etc."lake/other".text = "nothing to do with secrets";
}
