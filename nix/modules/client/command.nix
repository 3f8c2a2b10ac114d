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
  url = import ../../lib/url.nix { inherit lib; };
  lakewright = lib.getExe' cfg.package "lakewright";

  # What is no secret. MINIO_SERVER_URL is for programs that take it from the same file.
  connection = {
    LAKEWRIGHT_ENDPOINT = toString cfg.endpoint;
    LAKEWRIGHT_REGION = cfg.region;
    MINIO_SERVER_URL = toString cfg.endpoint;
  };

  # The profile `default` would be the operators'.
  noProfiles.LAKEWRIGHT_PROFILES_FILE = "/dev/null";

  # Files that the units load as credentials. `public`: everybody may read it.
  keys = [
    {
      credential = "access-key-id";
      file = toString cfg.credentials.accessKeyIdFile;
      owner = "the access key";
      public = true;
    }
    {
      credential = "secret-access-key";
      file = toString cfg.credentials.secretAccessKeyFile;
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

  # Calls of a shell function, one for each file.
  calls =
    function: words: files:
    lib.concatMapStringsSep "\n" (
      file:
      "# shellcheck disable=SC2016 # a name may hold a $\n${function} ${lib.escapeShellArgs (words file)}"
    ) files;

  checkFiles =
    name: stack:
    pkgs.writeShellApplication {
      name = "lakewright-check-files-${name}";
      runtimeInputs = [
        pkgs.coreutils
        pkgs.gnugrep
      ];
      text = ''
        ${builtins.readFile ./check-files.sh}
        ${calls "look" (file: [
          file.owner
          file.file
          (if file.public or false then "public" else "private")
        ]) (filesOf stack)}
        end
      '';
    };

  writeEnvironment = pkgs.writeShellApplication {
    name = "lakewright-write-environment";
    runtimeInputs = [ pkgs.coreutils ];
    text = ''
      cp --no-preserve=mode ${
        pkgs.writeText "lakewright-environment" (lib.generators.toKeyValue { } connection)
      } "$RUNTIME_DIRECTORY/environment"
    '';
  };

  isLoopback = cfg.endpoint != null && url.isLoopback (url.parse cfg.endpoint).host;

  # Measured with `systemd-analyze security`; the reasons for what is left are in nix/README.md.
  hardening =
    import ../../lib/hardening.nix
    // {
      DynamicUser = true;
      # Takes the boot id away as well: then nobody who applies on this machine is taken for dead
      # because ProtectProc= hides them, and their lease is waited for.
      ProcSubset = "pid";
      # AF_UNIX is for looking up names.
      RestrictAddressFamilies = [
        "AF_INET"
        "AF_INET6"
        "AF_UNIX"
      ];
    }
    // lib.optionalAttrs isLoopback {
      IPAddressAllow = "localhost";
      IPAddressDeny = "any";
    };

  # A program for root that calls the command outside of a unit; with placeholders for secrets that
  # are not there yet, or without.
  script =
    {
      name,
      placeholders,
      secrets,
      call,
    }:
    pkgs.writeShellApplication {
      inherit name;
      runtimeInputs = [ pkgs.coreutils ];
      runtimeEnv =
        connection
        // noProfiles
        // {
          LAKEWRIGHT_ACCESS_KEY_ID_FILE = toString cfg.credentials.accessKeyIdFile;
          LAKEWRIGHT_SECRET_ACCESS_KEY_FILE = toString cfg.credentials.secretAccessKeyFile;
        }
        // lib.optionalAttrs (cfg.caFile != null) { LAKEWRIGHT_CA_FILE = "${cfg.caFile}"; };
      text = ''
        placeholders=${lib.boolToString placeholders}
        ${builtins.readFile ./credentials.sh}
        ${calls "credential" (secret: [
          secret.credential
          secret.owner
          secret.file
        ]) secrets}
        ${lakewright} ${call}
      '';
    };

  timeout = cfg.readyTimeout + 10 * 60;
  prune = stack: lib.optionalString (stack.prune == "delete") " --prune";
in
{
  apply = stack: "${lakewright} apply ${stack.specFile} --yes${prune stack}";
  drift = stack: "${lakewright} drift ${stack.specFile}";
  inherit timeout;
  wait = "${lakewright} wait --timeout ${toString cfg.readyTimeout}s";

  # What is loaded when a unit starts.
  files = filesOf;

  # What a unit that runs one of these needs: to be merged into it.
  service = unit: name: stack: {
    environment = noProfiles // {
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
        "+${lib.getExe (checkFiles name stack)}"
        (lib.getExe writeEnvironment)
      ];
      # Of each step: of the wait, which ends by itself before, and of the run.
      TimeoutStartSec = timeout;
    };
  };

  # The plan of a stack as it would be applied from here.
  planScript =
    name: stack:
    script {
      name = "lakewright-plan-${name}";
      placeholders = true;
      secrets = spec.secrets stack;
      call = ''plan ${stack.specFile}${prune stack} "$@"'';
    };

  # The command as the units have it: their connection, and the secrets of all stacks.
  adminScript = script {
    name = "lakewright-admin";
    placeholders = false;
    secrets = lib.concatMap spec.secrets (lib.attrValues cfg.stacks);
    call = ''"$@"'';
  };
}
