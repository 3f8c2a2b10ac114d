# shellcheck shell=bash
# Functions for programs that root runs on files of other users. Such a file may be replaced at any
# moment, also by a FIFO, on which a read waits for ever, or by a link to another file. So it is
# opened once, without waiting, and only what was read is used.

# Prints file $1, at most 1 MiB of it, which is the largest credential that systemd loads. A FIFO
# that no process writes to is empty.
read_file() {
  [[ -f $1 ]] && dd if="$1" iflag=nonblock,noctty,fullblock,count_bytes bs=64K count=1M status=none
}

# Returns whether file $1 has other contents than $2, a copy that systemd or root made. A file that
# is missing or empty does not differ, because a unit cannot be started with it.
differs() {
  local current=$RUNTIME_DIRECTORY/current
  read_file "$1" >"$current" && [[ -s $current && -e $2 ]] && ! cmp --quiet "$current" "$2"
}
