# Provides the secrets of stacks as `lakewright` expects them in a unit.

CREDENTIALS_DIRECTORY=$(mktemp --directory)
export CREDENTIALS_DIRECTORY
trap 'rm -rf -- "$CREDENTIALS_DIRECTORY"' EXIT

# Arguments: the credential, its resource, and the file. A plan treats a secret that it cannot read
# yet (a dry activation does not decrypt) as new; other commands fail on a missing secret.
credential() {
  # shellcheck disable=SC2154 # set before this
  if $placeholders && [[ ! -r $3 ]]; then
    printf 'the secret of %s is not there yet (%s): the plan takes it for a new one\n' "$2" "$3" >&2
    echo not-there-yet >"$CREDENTIALS_DIRECTORY/$1"
  else
    ln -s -- "$3" "$CREDENTIALS_DIRECTORY/$1"
  fi
}
