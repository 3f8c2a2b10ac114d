# Puts the secrets that the plan reads where a unit would find them. What is not there yet (a dry
# activation decrypts nothing) is taken for a new one.

CREDENTIALS_DIRECTORY=$(mktemp --directory)
export CREDENTIALS_DIRECTORY
trap 'rm -rf -- "$CREDENTIALS_DIRECTORY"' EXIT

# The credential, whose it is, and the file.
credential() {
  if [[ -r $3 ]]; then
    ln -s -- "$3" "$CREDENTIALS_DIRECTORY/$1"
  else
    printf 'the secret of %s is not there yet (%s): the plan takes it for a new one\n' "$2" "$3" >&2
    echo not-there-yet >"$CREDENTIALS_DIRECTORY/$1"
  fi
}
