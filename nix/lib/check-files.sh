# shellcheck shell=bash
# Checks files before systemd loads them as credentials: systemd's own message for a missing file
# contains neither the path nor the resource, and it waits for a FIFO until the start times out.
# Runs as root outside of the sandbox, because only root can find the files; so it opens none.

# The largest credential that systemd loads, in bytes.
most=$((1024 * 1024))
wrong=0

report() {
  printf 'lakewright: %s\n' "$1" >&2
  wrong=1
}

# Arguments: the name or resource of the secret, the file, and whether it is "private" or "public".
check_file() {
  local status mode bytes
  if ! status=$(stat --dereference --format='%f %s' -- "$2" 2>/dev/null); then
    report "$1: there is no file $2"
    return
  fi
  read -r mode bytes <<<"$status"
  mode=$((16#$mode))
  if (((mode & 8#170000) != 8#100000)); then
    report "$1: $2 is not a regular file"
  elif ((bytes == 0)); then
    report "$1: the file $2 is empty"
  elif ((bytes > most)); then
    report "$1: the file $2 has $bytes bytes, and systemd loads at most $most"
  elif [[ $3 == private ]] && ((mode & 7)); then
    printf -v mode '%o' $((mode & 8#7777))
    report "$1: all users may read or write the file $2 (mode $mode): chmod o= $2"
  fi
}

# Ends the check. systemd skips a unit whose condition exits with a smaller code, without a failure.
end() {
  exit $((wrong ? 255 : 0))
}
