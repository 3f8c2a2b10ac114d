# Types that several resources share.
{ lib }:
let
  inherit (lib) mkOption types;
  inherit (import ../types.nix { inherit lib; }) secretFile;
in
rec {
  # A size in bytes as in the spec: a number, or a number with a unit.
  byteSize = types.either types.ints.positive (
    types.strMatching "[[:space:]]*[0-9]+[[:space:]]*([kKmMgGtTpP][iI]?)?[bB]?[[:space:]]*"
    // {
      description = "size such as \"10GiB\" or \"500MB\"";
    }
  );

  # nixpkgs' own types.json was added in 2026; older releases lack it.
  json =
    types.oneOf [
      types.bool
      types.int
      types.str
      (types.listOf json)
      (types.attrsOf json)
    ]
    // {
      description = "JSON value without null";
    };

  # S3 defines the keys of a policy document, so their capitals are kept.
  policyDocument = types.submodule {
    options = {
      Version = mkOption {
        type = types.enum [ "2012-10-17" ];
        default = "2012-10-17";
        description = "Version of the policy language.";
      };
      Id = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "Name of the document, for people.";
      };
      Statement = mkOption {
        type = types.either (types.attrsOf json) (types.listOf (types.attrsOf json));
        description = "Statements, in the words of S3.";
        example = [
          {
            Effect = "Allow";
            Action = [ "s3:GetObject" ];
            Resource = [ "arn:aws:s3:::raw/*" ];
          }
        ];
      };
    };
  };

  access = types.enum [
    "read"
    "write"
    "read_write"
  ];

  grant = types.submodule {
    options = {
      access = mkOption {
        type = access;
        description = ''
          The allowed access to objects: `read` (and list), `write` (and delete, without reading or
          listing), or `read_write`, which is what a Delta table needs.
        '';
      };
      bucket = mkOption {
        type = types.str;
        description = ''
          In which bucket: one that a stack of this host declares, or that
          {option}`services.lakewright.client.foreignBuckets` names.
        '';
      };
      prefix = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "Only with keys that begin with this; with all where it is null.";
      };
    };
  };

  # The source of a secret when the spec is applied: a systemd credential that the unit loads from
  # `secretFile`.
  secretOptions = kind: name: {
    secretFile = mkOption {
      type = secretFile;
      description = ''
        File on the host that holds the secret key (at least 8 characters; white space around it
        does not count). systemd reads it as root when the unit starts, so no other user needs
        access, and it must not be readable by all users. When its content changes, the unit
        must run again: see {option}`services.lakewright.client.restartTriggers`.
      '';
      example = "/run/agenix/etl";
    };
    secret = mkOption {
      type = types.attrsOf types.str;
      internal = true;
      readOnly = true;
      description = "How the document refers to the secret.";
      # Access keys may contain characters that names of credentials may not.
      default.credential =
        let
          plain = builtins.match "[A-Za-z0-9._-]{1,100}" name != null;
        in
        "${kind}-${if plain then name else builtins.hashString "sha256" name}";
    };
  };

  # Options that every resource has.
  adopt =
    what: also:
    mkOption {
      type = types.bool;
      default = false;
      description = ''
        Adopt the ${what} if it exists and has no owner; otherwise the unit fails with the error
        that it exists.${also}
      '';
    };

  # An option that is null is omitted from the spec and then not managed.
  unmanaged =
    type: description:
    mkOption {
      type = types.nullOr type;
      default = null;
      description = "${description} Not managed where it is null.";
    };
}
