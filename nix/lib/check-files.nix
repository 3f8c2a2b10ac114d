# A program for ExecCondition=, which systemd runs before it loads credentials.
{ lib, pkgs }:
# `files`: a list of sets with `owner`, the name of the file in messages; `file`, its path; and
# optionally `public`, whether all users may read it.
name: files:
pkgs.writeShellApplication {
  inherit name;
  runtimeInputs = [ pkgs.coreutils ];
  text = ''
    ${builtins.readFile ./check-files.sh}
    ${lib.concatMapStringsSep "\n" (
      file:
      "# shellcheck disable=SC2016 # a name may hold a $\ncheck_file ${
        lib.escapeShellArgs [
          file.owner
          file.file
          (if file.public or false then "public" else "private")
        ]
      }"
    ) files}
    end
  '';
}
