# The paths that a path unit has to watch to detect changes of files.
#
# agenix and sops-nix create a directory for each generation of secrets, /run/NAME.d/1, and refer to
# it by a symbolic link, /run/NAME. When the link changes, systemd watches the new files but does
# not trigger. The removal of the old generation does trigger.
{ lib }:
files:
lib.unique (
  files
  ++ lib.concatMap (
    file:
    let
      link = builtins.match "(/run/[^/]+)/.*" file;
    in
    lib.optional (link != null) "${lib.head link}.d"
  ) files
)
