# How the units and scripts of a stack call `lakewright`: where it connects, what it may read, what
# it is held back from. Functions of the stack; no module.
{
  config,
  lib,
  pkgs,
}:
let
  cfg = config.services.lakewright.client;
  spec = import ../../lib/spec { inherit lib; };
  lakewright = lib.getExe' cfg.package "lakewright";

  # What is no secret. MINIO_SERVER_URL is for programs that take it from the same file.
  connection = {
    LAKEWRIGHT_ENDPOINT = cfg.endpoint;
    LAKEWRIGHT_REGION = cfg.region;
    MINIO_SERVER_URL = cfg.endpoint;
  };

  # Files that the units load as credentials. `public`: everybody may read it.
  keys = [
    {
      credential = "access-key-id";
      file = cfg.credentials.accessKeyIdFile;
      owner = "the access key";
      public = true;
    }
    {
      credential = "secret-access-key";
      file = cfg.credentials.secretAccessKeyFile;
      owner = "the secret key";
    }
  ]
  ++ lib.optional (cfg.caFile != null) {
    credential = "ca";
    file = "${cfg.caFile}";
    owner = "caFile";
    public = true;
  };
  filesOf = stack: keys ++ spec.secrets stack;

  # systemd's own word for a missing file names neither the file nor whose it is.
  checkFiles =
    name: stack:
    pkgs.writeShellScript "lakewright-${name}-check-files" ''
      wrong=0
      say() {
        echo "lakewright, stack ${name}: $*" >&2
        wrong=1
      }
      # whose it is, the file, who may read it
      look() {
        if [ ! -e "$2" ]; then
          say "$1: there is no file $2"
        elif [ ! -f "$2" ]; then
          say "$1: $2 is no plain file"
        elif ! grep -q '[^[:space:]]' -- "$2"; then
          say "$1: the file $2 is empty"
        elif [ "$3" = private ] && [ $(( 0$(stat --dereference --format=%a -- "$2") & 7 )) -ne 0 ]; then
          say "$1: everybody may read or write the file $2 (mode $(stat --dereference --format=%a -- "$2")); chmod o= it"
        fi
      }
      ${lib.concatMapStringsSep "\n" (
        file:
        "look ${
          lib.escapeShellArgs [
            file.owner
            file.file
            (if file.public or false then "public" else "private")
          ]
        }"
      ) (filesOf stack)}
      exit "$wrong"
    '';

  writeEnvironment = pkgs.writeShellScript "lakewright-write-environment" ''
    cat > "$RUNTIME_DIRECTORY/environment" <<'EOF'
    ${lib.concatLines (lib.mapAttrsToList (name: value: "${name}=${toString value}") connection)}EOF
  '';

  isLoopback =
    builtins.match "https?://(127\\.[0-9.]+|localhost|\\[::1])(:[0-9]+)?/?" (toString cfg.endpoint) != null;

  # Measured with `systemd-analyze security`; the reasons for what is left are in nix/README.md.
  hardening = {
    DynamicUser = true;
    UMask = "0077";
    CapabilityBoundingSet = "";
    AmbientCapabilities = "";
    DevicePolicy = "closed";
    LockPersonality = true;
    MemoryDenyWriteExecute = true;
    NoNewPrivileges = true;
    PrivateDevices = true;
    PrivateMounts = true;
    PrivateTmp = true;
    PrivateUsers = true;
    ProcSubset = "pid";
    ProtectClock = true;
    ProtectControlGroups = true;
    ProtectHome = true;
    ProtectHostname = true;
    ProtectKernelLogs = true;
    ProtectKernelModules = true;
    ProtectKernelTunables = true;
    ProtectProc = "invisible";
    ProtectSystem = "strict";
    RemoveIPC = true;
    # AF_UNIX is for looking up names.
    RestrictAddressFamilies = [
      "AF_INET"
      "AF_INET6"
      "AF_UNIX"
    ];
    RestrictNamespaces = true;
    RestrictRealtime = true;
    RestrictSUIDSGID = true;
    SystemCallArchitectures = "native";
    SystemCallErrorNumber = "EPERM";
    SystemCallFilter = [
      "@system-service"
      "~@privileged"
      "~@resources"
    ];
  }
  // lib.optionalAttrs isLoopback {
    IPAddressAllow = "localhost";
    IPAddressDeny = "any";
  };

  prune = stack: lib.optionalString (stack.prune == "delete") " --prune";
in
{
  apply = stack: "${lakewright} apply ${stack.specFile} --yes${prune stack}";
  drift = stack: "${lakewright} drift ${stack.specFile}";
  wait = "${lakewright} wait --timeout ${toString cfg.readyTimeout}s";

  # What a unit that runs one of these needs: to be merged into it.
  service = unit: name: stack: {
    # `default` would be the operators' profile.
    environment = {
      LAKEWRIGHT_PROFILES_FILE = "/dev/null";
      LAKEWRIGHT_ACCESS_KEY_ID_FILE = "%d/access-key-id";
      LAKEWRIGHT_SECRET_ACCESS_KEY_FILE = "%d/secret-access-key";
      LAKEWRIGHT_CA_FILE = if cfg.caFile == null then null else "%d/ca";
    };
    serviceConfig = hardening // {
      Type = "oneshot";
      RuntimeDirectory = unit;
      EnvironmentFile = "-%t/${unit}/environment";
      LoadCredential = map (file: "${file.credential}:${file.file}") (filesOf stack);
      # In place of a file that is missing, so that the check below can say which it is. Shorter
      # than any secret may be.
      SetCredential = map (file: "${file.credential}:missing") (filesOf stack);
      ExecStartPre = [
        # As root and outside of the sandbox: nobody else may look at the files.
        "+${checkFiles name stack}"
        "${writeEnvironment}"
      ];
      TimeoutStartSec = "10min";
    };
  };

  # The plan of a stack as it would be applied from here. A secret that is not there yet (a dry
  # activation decrypts nothing) is taken for a new one.
  planScript =
    name: stack:
    pkgs.writeShellScript "lakewright-${name}-plan" ''
      set -euo pipefail
      export PATH=${lib.makeBinPath [ pkgs.coreutils ]}
      CREDENTIALS_DIRECTORY=$(mktemp --directory)
      trap 'rm -rf -- "$CREDENTIALS_DIRECTORY"' EXIT
      credential() {
        if [ -r "$3" ]; then
          ln -s -- "$3" "$CREDENTIALS_DIRECTORY/$1"
        else
          echo "the secret of $2 is not there yet ($3): the plan takes it for a new one" >&2
          echo not-there-yet > "$CREDENTIALS_DIRECTORY/$1"
        fi
      }
      ${lib.concatMapStringsSep "\n" (
        secret:
        "credential ${
          lib.escapeShellArgs [
            secret.credential
            secret.owner
            secret.file
          ]
        }"
      ) (spec.secrets stack)}
      export CREDENTIALS_DIRECTORY
      ${lib.toShellVars (
        {
          LAKEWRIGHT_PROFILES_FILE = "/dev/null";
          LAKEWRIGHT_ACCESS_KEY_ID_FILE = toString cfg.credentials.accessKeyIdFile;
          LAKEWRIGHT_SECRET_ACCESS_KEY_FILE = toString cfg.credentials.secretAccessKeyFile;
          LAKEWRIGHT_ENDPOINT = toString cfg.endpoint;
          LAKEWRIGHT_REGION = cfg.region;
        }
        // lib.optionalAttrs (cfg.caFile != null) { LAKEWRIGHT_CA_FILE = "${cfg.caFile}"; }
      )}
      export ''${!LAKEWRIGHT_@}
      ${lakewright} plan ${stack.specFile}${prune stack} "$@"
    '';
}
