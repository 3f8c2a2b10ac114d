# What a dry activation says, and what the switch then does.
{ lib, ... }:
{
  imports = [ ../lake.nix ];

  specialisation.next.configuration.services.lakewright.client.stacks.lake = {
    buckets.raw.tags.team = lib.mkForce "flights";
    buckets.new.versioning = true;
  };
}
