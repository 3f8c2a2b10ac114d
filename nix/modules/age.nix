# Integration of agenix with the server and the client: `services.lakewright.age`.
#
# Each encrypted file is named once. This determines its decrypted path and the users who can read
# it (age.secrets), the `…File` option that is set to it, the units that start after it, and those
# that restart when it changes. The module is optional: the `…File` options accept plain files and
# files from sops-nix as well.
{
  config,
  lib,
  options,
  ...
}:
let
  cfg = config.services.lakewright.age;
  inherit (config.services.lakewright) client server;
  hasAgenix = options ? age;

  encrypted = lib.types.path;
  one =
    what:
    lib.mkOption {
      type = lib.types.nullOr encrypted;
      default = null;
      example = lib.literalExpression "./secrets/minio.age";
      description = "File that `agenix` has encrypted to this host's key, with ${what}.";
    };
  perStack =
    what:
    lib.mkOption {
      type = lib.types.attrsOf (lib.types.attrsOf encrypted);
      default = { };
      example = lib.literalExpression "{ lake.etl = ./secrets/etl.age; }";
      description = "Files that `agenix` has encrypted to this host's key, with the secret keys of ${what}, by stack and name.";
    };

  # The name of a secret: access keys may contain characters that file names may not.
  nameOf =
    kind: stack: name:
    let
      plain = builtins.match "[A-Za-z0-9_.-]+" name != null;
    in
    "lakewright-${stack}-${kind}-${if plain then name else builtins.hashString "sha256" name}";
  operators =
    kind: name: kind == "user" && name == client.operatorsUser && client.operatorsGroup != null;

  ofServer =
    lib.filterAttrs (_: file: file != null) {
      lakewright-root-user = cfg.rootUser;
      lakewright-root-password = cfg.rootPassword;
      lakewright-kms-key = cfg.kmsKey;
    }
    // lib.mapAttrs' (name: lib.nameValuePair "lakewright-setting-${name}") cfg.secretSettings;
  ofTls = lib.filterAttrs (_: file: file != null) { lakewright-tls-key = cfg.tlsKey; };
  ofClient = lib.filterAttrs (_: file: file != null) {
    lakewright-access-key-id = cfg.accessKeyId;
    lakewright-secret-access-key = cfg.secretAccessKey;
  };
  # Users and service accounts as one list.
  perName =
    of:
    lib.concatLists (
      lib.mapAttrsToList
        (
          kind: stacks:
          lib.concatLists (
            lib.mapAttrsToList (
              stack:
              lib.mapAttrsToList (
                name: file:
                of {
                  inherit
                    kind
                    stack
                    name
                    file
                    ;
                }
              )
            ) stacks
          )
        )
        {
          user = cfg.users;
          service-account = cfg.serviceAccounts;
        }
    );
  ofStacks = lib.listToAttrs (perName (s: lib.nameValuePair (nameOf s.kind s.stack s.name) s.file));

  all = ofServer // ofTls // ofClient // ofStacks;
  # The dash is both the separator and an allowed character of names.
  ambiguous = lib.attrNames (
    lib.filterAttrs (_: same: lib.length same > 1) (
      lib.groupBy (s: nameOf s.kind s.stack s.name) (perName (s: s))
    )
  );
  # Without agenix an assertion fails, so this path is never used.
  pathOf = name: if hasAgenix then config.age.secrets.${name}.path else "/run/agenix/${name}";
  # Contents are hashed because the store path of a file in a flake changes with every other file.
  contents = files: map (builtins.hashFile "sha256") (lib.attrValues files);

  # agenix decrypts before any service starts, unless it runs as a service itself.
  installer = lib.optional (
    config.systemd.sysusers.enable || config.services.userborn.enable
  ) "agenix-install-secrets.service";
  # Requires= is not used: the agenix unit has all secrets of the host, changes with any of them,
  # and would restart the server. Missing secrets are refused before the start.
  afterAgenix = {
    wants = installer;
    after = installer ++ [
      "run-agenix.d.mount"
      "run-keys.mount"
    ];
  };
  units =
    lib.optional server.enable "lakewright-server"
    ++ lib.optionals client.enable (
      lib.concatLists (
        lib.mapAttrsToList (
          name: stack:
          lib.optional stack.enable "lakewright-client-${name}"
          ++ lib.optional (stack.enable && stack.drift.enable) "lakewright-drift-${name}"
        ) client.stacks
      )
    );
  named =
    kind: files: stack:
    lib.mkOption {
      type = lib.types.attrsOf (
        lib.types.submodule (
          { name, ... }:
          {
            config = lib.mkIf (files ? ${name}) {
              secretFile = lib.mkDefault (pathOf (nameOf kind stack name));
            };
          }
        )
      );
    };
  unknown =
    kind: stacks:
    lib.concatLists (
      lib.mapAttrsToList (
        stack: names:
        map (name: "${kind}.${stack}.${name}") (
          lib.subtractLists (lib.attrNames (client.stacks.${stack}.${kind} or { })) (lib.attrNames names)
        )
      ) stacks
    );
  strangers = unknown "users" cfg.users ++ unknown "serviceAccounts" cfg.serviceAccounts;
in
{
  options.services.lakewright.age = {
    rootUser = one "the name of the server's root user";
    rootPassword = one "the password of the server's root user";
    kmsKey = one "the server's key for encryption at rest (`NAME:KEY`)";
    tlsKey = one "the private key of the server's certificate";
    secretSettings = lib.mkOption {
      type = lib.types.attrsOf encrypted;
      default = { };
      description = "Files that `agenix` has encrypted to this host's key, for {option}`services.lakewright.server.secretSettings`.";
    };
    accessKeyId = one "the access key with which the client administers a server that is not on this host";
    secretAccessKey = one "the secret key to `accessKeyId`";
    users = perStack "users";
    serviceAccounts = perStack "service accounts";
  };

  # An encrypted file does not declare a resource: declared resources get their files here.
  options.services.lakewright.client.stacks = lib.mkOption {
    type = lib.types.attrsOf (
      lib.types.submodule (
        { name, ... }:
        {
          options = {
            users = named "user" (cfg.users.${name} or { }) name;
            serviceAccounts = named "service-account" (cfg.serviceAccounts.${name} or { }) name;
          };
        }
      )
    );
  };

  config = lib.mkMerge [
    {
      assertions = [
        {
          assertion = all != { } -> hasAgenix;
          message = "services.lakewright.age names encrypted files, but agenix's module is not imported.";
        }
        {
          assertion = ambiguous == [ ];
          message = "services.lakewright.age: two files would be decrypted to one place, call a stack or a user otherwise: ${toString ambiguous}.";
        }
        {
          assertion = strangers == [ ];
          message = "services.lakewright.age names secrets of users or accounts that services.lakewright.client.stacks does not declare: ${toString strangers}.";
        }
      ];
    }

    # Without agenix the option does not exist and cannot be set.
    (lib.optionalAttrs hasAgenix {
      age.secrets =
        lib.mapAttrs (_: file: { inherit file; }) all
        // lib.listToAttrs (
          perName (
            s:
            lib.nameValuePair (nameOf s.kind s.stack s.name) (
              {
                inherit (s) file;
              }
              # The secret of a user with operators is readable for their group; all other secrets
              # only for root.
              // lib.optionalAttrs (operators s.kind s.name) {
                group = client.operatorsGroup;
                mode = "0440";
              }
            )
          )
        );

      services.lakewright = {
        server = {
          rootUserFile = lib.mkIf (cfg.rootUser != null) (pathOf "lakewright-root-user");
          rootPasswordFile = lib.mkIf (cfg.rootPassword != null) (pathOf "lakewright-root-password");
          kmsKeyFile = lib.mkIf (cfg.kmsKey != null) (pathOf "lakewright-kms-key");
          tls.keyFile = lib.mkIf (cfg.tlsKey != null) (pathOf "lakewright-tls-key");
          secretSettings = lib.mapAttrs (name: _: pathOf "lakewright-setting-${name}") cfg.secretSettings;
        };
        client = {
          credentials = {
            accessKeyIdFile = lib.mkIf (cfg.accessKeyId != null) (pathOf "lakewright-access-key-id");
            secretAccessKeyFile = lib.mkIf (cfg.secretAccessKey != null) (
              pathOf "lakewright-secret-access-key"
            );
          };
          restartTriggers = contents (
            ofStacks
            // ofClient
            // lib.getAttrs (lib.filter (name: all ? ${name}) [
              "lakewright-root-user"
              "lakewright-root-password"
            ]) all
          );
        };
      };

      systemd.services = lib.mkIf (all != { }) (
        lib.mkMerge [
          (lib.genAttrs units (_: afterAgenix))
          {
            lakewright-server = lib.mkIf server.enable {
              restartTriggers = contents ofServer;
              reloadTriggers = contents ofTls;
            };
          }
        ]
      );
    })
  ];
}
