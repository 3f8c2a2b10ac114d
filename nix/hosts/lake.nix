# What both example hosts serve: a bucket, somebody who writes into it, and the secrets of both.
{
  services.lakewright = {
    server = {
      enable = true;
      rootUserFile = "/run/agenix/minio-root-user";
      rootPasswordFile = "/run/agenix/minio-root-password";
    };
    client = {
      enable = true;
      stacks.lake = {
        buckets.raw.versioning = true;
        policies.raw-writer.grants = [
          {
            access = "read_write";
            bucket = "raw";
          }
        ];
        users.etl = {
          secretFile = "/run/agenix/etl";
          policies = [ "raw-writer" ];
        };
      };
    };
  };
}
