# Users attack root: the server's own user, the user of a stack's unit, and one who owns a secret.
{ lib, pkgs, ... }:
let
  # A `lakewright` that was taken over while it applies a stack. It tries to pass variables to the
  # commands that root runs after it: the dynamic linker writes its messages to the named file.
  takenOver = pkgs.writeShellApplication {
    name = "lakewright";
    runtimeInputs = [ pkgs.coreutils ];
    text = ''
      if [[ ''${1-} == apply ]]; then
        for folder in "''${RUNTIME_DIRECTORY:-/run/lakewright-client-lake}" /etc/lakewright; do
          printf 'LD_DEBUG=files\nLD_DEBUG_OUTPUT=/root/taken-over\n' 2>/dev/null \
            >>"$folder/environment" || true
        done
      fi
      exec ${lib.getExe' pkgs.lakewright-minimal "lakewright"} "$@"
    '';
  };
in
{
  imports = [ ../certify.nix ];

  environment.systemPackages = [ pkgs.minio-client ];
  users.users.anna.isNormalUser = true;
  systemd.tmpfiles.rules = [
    "f /var/lib/lake/root-user 0400 root root - lake-root"
    "f /var/lib/lake/root-password 0400 root root - correct-horse"
    "f /var/lib/lake/etl 0400 root root - etl-is-a-user"
    "d /srv/foreign 0755 root root"
    "d /home/anna 0700 anna users"
    "f /home/anna/secret 0400 anna users - anna-is-a-user"
    # The drive lies in a folder of the server's user.
    "d /srv/lake 0755 minio minio"
    "d /srv/lake/disk 0755 minio minio"
  ];
  services.lakewright = {
    server = {
      enable = true;
      rootUserFile = "/var/lib/lake/root-user";
      rootPasswordFile = "/var/lib/lake/root-password";
      drives = [ "/srv/lake/disk/data" ];
    };
    client = {
      enable = true;
      package = takenOver;
      readyTimeout = 30;
      stacks.lake = {
        buckets.raw = { };
        policies.raw-writer.grants = [
          {
            access = "read_write";
            bucket = "raw";
          }
        ];
        users.etl = {
          secretFile = "/var/lib/lake/etl";
          policies = [
            "raw-writer"
            "readwrite"
          ];
        };
        users.anna.secretFile = "/home/anna/secret";
      };
    };
  };
}
