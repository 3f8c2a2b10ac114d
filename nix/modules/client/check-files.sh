# Looks at files before systemd's copies of them are used: systemd's own word for a missing file
# names neither the file nor whose it is. Runs as root.

wrong=0
files=()

say() {
  printf 'lakewright: %s\n' "$1" >&2
  wrong=1
}

# Whose it is, the file, and whether it is "private" or "public".
look() {
  local mode
  files+=("$2")
  if [[ ! -e $2 ]]; then
    say "$1: there is no file $2"
  elif [[ ! -f $2 ]]; then
    say "$1: $2 is no plain file"
  elif ! grep --quiet '[^[:space:]]' -- "$2"; then
    say "$1: the file $2 is empty"
  else
    mode=$(stat --dereference --format=%a -- "$2")
    if [[ $3 == private ]] && ((8#$mode & 8#7)); then
      say "$1: everybody may read or write the file $2 (mode $mode): chmod o= $2"
    fi
  fi
}

# Ends the check. What was found is written down as sums, for `lakewright-watch` to compare.
end() {
  if ((wrong)); then exit 1; fi
  umask 0077
  sha256sum -- "${files[@]}" >"$RUNTIME_DIRECTORY/files"
}
