# The part that both example hosts share: a bucket, a user that writes to it, operators, and all
# their secrets.
{
  # The secrets are decrypted with the host's SSH key.
  services.openssh.enable = true;
  # No login is possible before you add your own key.
  users.users.root.openssh.authorizedKeys.keys = [
    # "ssh-ed25519 AAAA… you@example.org"
  ];

  services.lakewright = {
    server.enable = true;

    client = {
      enable = true;
      operatorsGroup = "lakewright-operators";
      stacks.lake = {
        buckets.raw = {
          versioning = true;
          quota = "100GiB";
        };
        policies.raw-writer.grants = [
          {
            access = "read_write";
            bucket = "raw";
          }
        ];
        policies.operators.grants = [
          {
            access = "read";
            bucket = "raw";
          }
        ];
        users.etl.policies = [ "raw-writer" ];
        users.operators.policies = [ "operators" ];
      };
    };

    # The files are encrypted to a published key: secrets/README.md explains how to replace them.
    age = {
      rootUser = ../../secrets/minio-root-user.age;
      rootPassword = ../../secrets/minio-root-password.age;
      users.lake.etl = ../../secrets/etl.age;
      users.lake.operators = ../../secrets/operators.age;
    };
  };
}
