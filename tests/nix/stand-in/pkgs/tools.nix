# Programs: links to Debian's programs and to this project's in the container.
{ lib, runCommand }:
let
  # Returns `programs` of a directory as a package with a bin/ directory.
  from =
    name: folder: programs:
    runCommand name { meta.mainProgram = lib.head programs; } ''
      mkdir -p "$out/bin"
      for program in ${toString programs}; do ln -s ${folder}/"$program" "$out/bin/$program"; done
    '';
  debian = name: programs: from name "/usr/bin" programs;
  ours = name: programs: from name "/opt/lakewright/bin" programs;
  # All programs of Debian packages.
  whole =
    name: packages:
    runCommand name { } ''
      mkdir -p "$out/bin"
      for file in $(dpkg-query --listfiles ${toString packages}); do
        case $file in
          /bin/* | /sbin/* | /usr/bin/* | /usr/sbin/*)
            ln -sf "/usr/''${file#/usr}" "$out/bin/"
            ;;
        esac
      done
    '';

  cli = builtins.getEnv "LAKEWRIGHT_TEST_CLI";
  spec = "${dirOf cli}/lakewright-spec";
  lakewright-spec =
    if cli == "" || !builtins.pathExists spec then
      runCommand "lakewright-spec" { meta.mainProgram = "lakewright-spec"; } ''
        echo "LAKEWRIGHT_TEST_CLI names no lakewright with a lakewright-spec beside it" >&2
        exit 1
      ''
    else
      # A copy, because the build user may not have access to the original directory.
      runCommand "lakewright-spec" { meta.mainProgram = "lakewright-spec"; } ''
        mkdir -p "$out/bin"
        ln -s ${
          builtins.path {
            path = spec;
            name = "lakewright-spec-binary";
          }
        } "$out/bin/lakewright-spec"
      '';

  # The Python of the container, which imports modules from the project's .venv.
  python3 = ours "python3" [ "python3" ] // {
    withPackages = _: python3;
    pkgs = python3Packages;
  };
  python3Packages = {
    inherit lakewright;
    pyarrow = python3;
    python = python3;
  };

  lakewright = ours "lakewright" [ "lakewright" ];
  silo = ours "silo" [ "minio" ];
in
rec {
  inherit
    lakewright
    lakewright-spec
    python3
    python3Packages
    silo
    ;
  lakewright-minimal = lakewright;
  minio = silo;
  minio-client = ours "minio-client" [ "mc" ];

  # Packages that NixOS installs by default.
  corePackages = [
    bash
    coreutils
    curl
    diffutils
    findutils
    gawk
    gnugrep
    gnused
    (whole "core" [
      "bsdutils"
      "gzip"
      "hostname"
      "iproute2"
      "libc-bin"
      "login"
      "mount"
      "ncurses-bin"
      "passwd"
      "procps"
      "systemd"
      "systemd-sysv"
      "tar"
      "util-linux"
    ])
  ];

  age = debian "age" [
    "age"
    "age-keygen"
  ];
  bash = from "bash" "/bin" [
    "bash"
    "sh"
  ];
  coreutils = whole "coreutils" [ "coreutils" ];
  curl = debian "curl" [ "curl" ];
  diffutils = debian "diffutils" [
    "diff"
    "cmp"
  ];
  findutils = debian "findutils" [
    "find"
    "xargs"
  ];
  gawk = debian "gawk" [ "awk" ];
  gnugrep = debian "gnugrep" [ "grep" ];
  gnused = debian "gnused" [ "sed" ];
  iproute2 = debian "iproute2" [
    "ip"
    "ss"
  ];
  jq = debian "jq" [ "jq" ];
  mount = debian "mount" [
    "mount"
    "umount"
  ];
  openssl = debian "openssl" [ "openssl" ];
  procps = debian "procps" [
    "ps"
    "pgrep"
  ];
  shadow = from "shadow" "/usr/sbin" [
    "nologin"
    "useradd"
    "groupadd"
  ];
  systemd = debian "systemd" [
    "systemctl"
    "journalctl"
    "systemd-run"
    "systemd-analyze"
    "systemd-creds"
    "systemd-notify"
    "systemd-cat"
    "systemd-tmpfiles"
  ];
  util-linux = debian "util-linux" [
    "flock"
    "mount"
    "umount"
    "findmnt"
    "mountpoint"
    "setpriv"
    "unshare"
    "runuser"
  ];
}
