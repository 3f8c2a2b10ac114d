# The same host with a client, and with agenix for all secrets.
module:
import ./host.nix {
  imports = [
    <agenix/modules/age.nix>
    module
  ];
  age.identityPaths = [ "/etc/ssh/ssh_host_ed25519_key" ];
  services.lakewright = {
    client = {
      enable = true;
      operatorsGroup = "lake-operators";
      stacks.lake = {
        users.etl = { };
        users.operators = { };
        serviceAccounts.ingest.owner = "etl";
      };
    };
    age = {
      rootUser = ../../../secrets/minio-root-user.age;
      rootPassword = ../../../secrets/minio-root-password.age;
      kmsKey = ../../../secrets/minio-kms-key.age;
      users.lake.etl = ../../../secrets/etl.age;
      users.lake.operators = ../../../secrets/operators.age;
      serviceAccounts.lake.ingest = ../../../secrets/etl-rotated.age;
    };
  };
}
