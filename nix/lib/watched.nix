# What a path unit has to watch to see changes of files.
#
# agenix and sops-nix make a folder of each generation of secrets, /run/NAME.d/1, and lead to it by
# a link, /run/NAME. systemd notices that the link leads elsewhere and watches the new files, but
# takes it for no change. That the old generation goes is one.
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
