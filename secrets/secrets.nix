# The recipients of each encrypted file, read by the command `agenix`.
let
  # Its private key is published in tests/deploy/keys. See README.md.
  exampleHost = builtins.replaceStrings [ "\n" ] [ "" ] (
    builtins.readFile ../tests/deploy/keys/ssh_host_ed25519_key.pub
  );
  files = [
    # Secrets of the server.
    "minio-root-user.age"
    "minio-root-password.age"
    "minio-kms-key.age"

    # Secrets of the users of the stack `lake`.
    "etl.age"
    "operators.age"

    # The same secrets with different values, for the tests of rotation.
    "minio-root-password-rotated.age"
    "etl-rotated.age"
  ];
in
builtins.listToAttrs (
  map (name: {
    inherit name;
    value.publicKeys = [ exampleHost ];
  }) files
)
