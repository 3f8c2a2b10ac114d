# Puts the secrets of stacks where `lakewright` finds a unit's.

CREDENTIALS_DIRECTORY=$(mktemp --directory)
export CREDENTIALS_DIRECTORY
trap 'rm -rf -- "$CREDENTIALS_DIRECTORY"' EXIT

# The credential, whose it is, and the file. What a plan cannot read yet (a dry activation decrypts
# nothing) is taken for a new one; whoever changes things is told that it is missing.
credential() {
  # shellcheck disable=SC2154 # set before this
  if $placeholders && [[ ! -r $3 ]]; then
    printf 'the secret of %s is not there yet (%s): the plan takes it for a new one\n' "$2" "$3" >&2
    echo not-there-yet >"$CREDENTIALS_DIRECTORY/$1"
  else
    ln -s -- "$3" "$CREDENTIALS_DIRECTORY/$1"
  fi
}
