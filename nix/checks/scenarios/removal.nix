# A bucket and a user are no longer declared: first kept, then pruned.
{ ... }:
{
  imports = [ ../lake.nix ];

  specialisation = {
    more.configuration = {
      services.lakewright.client.stacks.lake = {
        buckets = {
          spare = { };
          full = { };
        };
        users.guest.policies = [ "readonly" ];
        users.guest.secretFile = "/var/lib/lake-guest";
      };
    };
    pruned.configuration.services.lakewright.client.stacks.lake.prune = "delete";
  };
  systemd.tmpfiles.rules = [ "f /var/lib/lake-guest 0400 root root - guest-secret-key" ];
}
