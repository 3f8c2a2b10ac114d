# The plan of a dry activation, and the changes of the switch that follows.
{ lib, ... }:
{
  imports = [ ../lake.nix ];

  specialisation.next.configuration.services.lakewright.client.stacks.lake = {
    buckets.raw.tags.team = lib.mkForce "flights";
    buckets.new.versioning = true;
  };
}
