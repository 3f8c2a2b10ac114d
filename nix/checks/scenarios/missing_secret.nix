# Secret files that are missing, empty, or contain published values.
{ lib, ... }:
let
  rootPassword = file: {
    services.lakewright.server.rootPasswordFile = lib.mkForce file;
  };
in
{
  imports = [ ../lake.nix ];

  # A switch waits for the client, which waits for the server that cannot start.
  services.lakewright.client.readyTimeout = 10;

  systemd.tmpfiles.rules = [
    "f /var/lib/lake-empty 0400 root root -"
    "f /var/lib/lake-default 0400 root root - minioadmin"
  ];

  specialisation = {
    missing.configuration = rootPassword "/run/agenix/nowhere";
    empty.configuration = rootPassword "/var/lib/lake-empty";
    default.configuration = rootPassword "/var/lib/lake-default";
    user.configuration.services.lakewright.client.stacks.lake.users.etl.secretFile =
      lib.mkForce "/run/agenix/nowhere";
  };
}
