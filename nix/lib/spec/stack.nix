# The resources of one stack: the fields of its spec except the name and version.
{ lib, resources }:
let
  inherit (lib) mkOption;
  inherit (lib.types) attrsOf nullOr str;
  declared =
    resource: description:
    mkOption {
      type = attrsOf resource;
      default = { };
      inherit description;
    };
in
{
  buckets = declared resources.bucket "Buckets by name.";
  tables = declared resources.table "Delta tables by `bucket/path`.";
  policies = declared resources.policy "Policies by name.";
  groups = declared resources.group "Groups by name. Who is in them stands with the users.";
  users = declared resources.user "Users by access key.";
  serviceAccounts = declared resources.serviceAccount ''
    Service accounts, by names that only lakewright knows.
  '';
  registry = mkOption {
    type = nullOr str;
    default = null;
    description = ''
      The bucket in which lakewright keeps who owns what; `lakewright-state` where this is null.
      One for all stacks of a server.
    '';
  };
}
