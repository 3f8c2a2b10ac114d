# shellcheck shell=bash
# Functions of the check before the start. It runs as the server's user. Values are stored only in
# variables of this shell and never appear in a command line or a message.

fail() {
  printf 'The server is not started: %s.\n' "$1" >&2
  exit 1
}

# Reads credential $1, which comes from file $2, into `value`. As MinIO does, it strips surrounding
# white space.
read_credential() {
  value=$(<"$CREDENTIALS_DIRECTORY/$1")
  value=${value#"${value%%[![:space:]]*}"}
  value=${value%"${value##*[![:space:]]}"}
  if [[ -z $value ]]; then
    fail "the secret file $2 is missing or empty"
  fi
}

# As `read_credential`, for values that must be one line.
read_line() {
  read_credential "$1" "$2"
  if [[ $value == *$'\n'* ]]; then
    fail "the secret file $2 has several lines, and must hold nothing but one value"
  fi
}

check_root() {
  local user
  read_line root-user "$1"
  user=$value
  read_line root-password "$2"
  if [[ $user$value == *MINIO_ROOT_* ]]; then
    fail "$1 and $2 hold lines of an environment file, and must hold nothing but the name and the password"
  fi
  if [[ $user == minioadmin || $value == minioadmin ]]; then
    fail "$1 or $2 holds MinIO's published default 'minioadmin'"
  fi
  if ((${#user} < 3)); then
    fail "the root user in $1 is shorter than 3 characters"
  fi
  if ((${#value} < 8)); then
    fail "the root password in $2 is shorter than 8 characters"
  fi
  if [[ $user == "$value" ]]; then
    fail "the root password in $2 is the root user's name"
  fi
}

check_kms_key() {
  read_line kms-key "$1"
  # 32 bytes in base64.
  if [[ ! $value =~ ^[^:]+:[A-Za-z0-9+/]{43}=$ ]]; then
    fail "$1 does not hold NAME:KEY with 32 bytes in base64"
  fi
}

# MinIO ignores drives on the file system of /. If too few drives remain, it waits for ever.
check_drives() {
  local root drive on_root=()
  root=$(stat --format %d /)
  for drive in "$@"; do
    if [[ -d $drive && $(stat --format %d "$drive") == "$root" ]]; then
      on_root+=("$drive")
    fi
  done
  if ((2 * ${#on_root[@]} >= $#)); then
    fail "of $# drives these lie on the file system of /, where MinIO uses none beside others: ${on_root[*]}. Mount a file system at each"
  fi
  if ((${#on_root[@]} > 0)); then
    printf 'Left out until a file system is mounted there and the server starts anew: %s.\n' "${on_root[*]}" >&2
  fi
}

begin_settings() {
  settings=$RUNTIME_DIRECTORY/settings
  umask 0077
  : >"$settings"
}

# The value is quoted because MinIO removes one pair of quotes.
add_setting() {
  read_line "$1" "$2"
  printf '%s="%s"\n' "$1" "$value" >>"$settings"
}
