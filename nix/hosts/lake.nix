# What both example hosts serve: a bucket, somebody who writes into it, people who look after it,
# and the secrets of them all.
{
  # The key of the host decrypts the secrets.
  services.openssh.enable = true;
  # Nobody can log in before your own key is here.
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
        users.etl.policies = [ "raw-writer" ];
        users.operators.policies = [ "readonly" ];
      };
    };

    # Encrypted to a key that everybody has: secrets/README.md says how to replace them.
    age = {
      rootUser = ../../secrets/minio-root-user.age;
      rootPassword = ../../secrets/minio-root-password.age;
      users.lake.etl = ../../secrets/etl.age;
      users.lake.operators = ../../secrets/operators.age;
    };
  };
}
