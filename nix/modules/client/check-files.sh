# Checks files before systemd copies them as credentials: systemd's own message for a missing file
# contains neither the path nor the resource. Runs as root.

wrong=0
files=()

report() {
  printf 'lakewright: %s\n' "$1" >&2
  wrong=1
}

# Arguments: the resource, the file, and whether it is "private" or "public".
check_file() {
  local mode
  files+=("$2")
  if [[ ! -e $2 ]]; then
    report "$1: there is no file $2"
  elif [[ ! -f $2 ]]; then
    report "$1: $2 is not a regular file"
  elif ! grep --quiet '[^[:space:]]' -- "$2"; then
    report "$1: the file $2 is empty"
  else
    mode=$(stat --dereference --format=%a -- "$2")
    if [[ $3 == private ]] && ((8#$mode & 8#7)); then
      report "$1: all users may read or write the file $2 (mode $mode): chmod o= $2"
    fi
  fi
}

# Ends the check. Writes the checksums of the files, which `lakewright-watch` compares later.
end() {
  if ((wrong)); then exit 1; fi
  umask 0077
  sha256sum -- "${files[@]}" >"$RUNTIME_DIRECTORY/files"
}
