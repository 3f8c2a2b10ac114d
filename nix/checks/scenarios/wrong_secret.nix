# The client has a secret that the server does not know.
{ lib, ... }:
{
  imports = [ ../lake.nix ];

  systemd.tmpfiles.rules = [ "f /var/lib/lake-wrong 0400 root root - not-the-password" ];
  specialisation.wrong.configuration.services.lakewright.client.credentials.secretAccessKeyFile =
    lib.mkForce "/var/lib/lake-wrong";
}
