# The environment in which the units and scripts of a stack run `lakewright`: its connection, its
# readable files and its sandbox. A set of functions of the stack, not a module.
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

  # The settings that are not secret. MINIO_SERVER_URL is for programs that read the same file.
  connection = {
    LAKEWRIGHT_ENDPOINT = toString cfg.endpoint;
    LAKEWRIGHT_REGION = cfg.region;
    MINIO_SERVER_URL = toString cfg.endpoint;
  };

  # Without this setting the command would read the operators' profile `default`.
  noProfiles.LAKEWRIGHT_PROFILES_FILE = "/dev/null";

  # Files that the units load as credentials. `public`: readable for all users.
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
  }
  ++ lib.optional (cfg.registryKeyFile != null) {
    credential = "registry-key";
    file = toString cfg.registryKeyFile;
    owner = "registryKeyFile";
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
    import ../../lib/check-files.nix { inherit lib pkgs; } "lakewright-check-files-${name}" (
      filesOf stack
    );

  isLoopback = cfg.endpoint != null && url.isLoopback (url.parse cfg.endpoint).host;

  # Checked with `systemd-analyze security`; nix/README.md explains the remaining findings.
  hardening =
    import ../../lib/hardening.nix
    // {
      DynamicUser = true;
      # This hides the boot id as well. Without it no other lease holder on this machine is presumed
      # dead because ProtectProc= hides its process; the lease runs out instead.
      ProcSubset = "pid";
      # AF_UNIX is needed for name resolution.
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

  # A program for root that runs the command outside of a unit, with or without placeholders for
  # missing secrets.
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
        // lib.optionalAttrs (cfg.caFile != null) { LAKEWRIGHT_CA_FILE = "${cfg.caFile}"; }
        // lib.optionalAttrs (cfg.registryKeyFile != null) {
          LAKEWRIGHT_REGISTRY_KEY_FILE = toString cfg.registryKeyFile;
        };
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
  inherit connection timeout;
  wait = "${lakewright} wait --timeout ${toString cfg.readyTimeout}s";

  # The files that are loaded when a unit starts.
  files = filesOf;

  # The settings for a unit that runs one of these commands, to be merged into it.
  service = name: stack: {
    environment =
      connection
      // noProfiles
      // {
        LAKEWRIGHT_ACCESS_KEY_ID_FILE = "%d/access-key-id";
        LAKEWRIGHT_SECRET_ACCESS_KEY_FILE = "%d/secret-access-key";
        LAKEWRIGHT_CA_FILE = if cfg.caFile == null then null else "%d/ca";
        LAKEWRIGHT_REGISTRY_KEY_FILE = if cfg.registryKeyFile == null then null else "%d/registry-key";
      };
    serviceConfig = hardening // {
      Type = "oneshot";
      LoadCredential = map (file: "${file.credential}:${file.file}") (filesOf stack);
      # The fallback for a file that vanishes after the check below, so that the unit fails with a
      # message. It is shorter than any valid secret.
      SetCredential = map (file: "${file.credential}:missing") (filesOf stack);
      # The check runs as root and outside of the sandbox, because only root can find the files.
      ExecCondition = "+${lib.getExe (checkFiles name stack)}";
      # The timeout of each step: of the wait, which ends earlier by itself, and of the run.
      TimeoutStartSec = timeout;
    };
  };

  # Prints the plan of a stack as this host would apply it.
  planScript =
    name: stack:
    script {
      name = "lakewright-plan-${name}";
      placeholders = true;
      secrets = spec.secrets stack;
      call = ''plan ${stack.specFile}${prune stack} "$@"'';
    };

  # The command with the connection of the units and the secrets of all stacks.
  adminScript = script {
    name = "lakewright-admin";
    placeholders = false;
    secrets = lib.concatMap spec.secrets (lib.attrValues cfg.stacks);
    call = ''"$@"'';
  };
}
