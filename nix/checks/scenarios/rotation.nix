# Secrets of a user and of the server's root user get new values.
{ lib, ... }:
{
  imports = [ ../lake.nix ];

  specialisation.rotated.configuration.services.lakewright.age = {
    rootPassword = lib.mkForce ../../../secrets/minio-root-password-rotated.age;
    users.lake.etl = ../../../secrets/etl-rotated.age;
  };
  # All files are encrypted again with the same contents, or are found under another path.
  specialisation.same.configuration.environment.etc."lake/other".text = "nothing to do with secrets";
}
