# Who can decrypt which file; the command `agenix` reads this.
let
  # Its private half is in tests/deploy/keys for everybody to read. See README.md.
  exampleHost = builtins.replaceStrings [ "\n" ] [ "" ] (
    builtins.readFile ../tests/deploy/keys/ssh_host_ed25519_key.pub
  );
  files = [
    # The server.
    "minio-root-user.age"
    "minio-root-password.age"
    "minio-kms-key.age"

    # Users of the stack `lake`.
    "etl.age"
    "operators.age"

    # The same secrets with other values, for the tests of rotation.
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
