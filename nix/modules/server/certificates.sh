# shellcheck shell=bash
# Copies certificate $1 and key $2 to MinIO's directory and reloads a running MinIO. Runs as root.

certs=$RUNTIME_DIRECTORY/certs

fail() {
  printf 'The certificate is not taken up: %s.\n' "$1" >&2
  exit 1
}

for file in "$@"; do
  if [[ ! -s $file ]]; then
    fail "$file does not exist or is empty"
  fi
done
# MinIO would continue with the old pair and fail at its next start.
if ! of_certificate=$(openssl x509 -in "$1" -noout -pubkey); then
  fail "$1 is no certificate in PEM"
fi
if ! of_key=$(openssl pkey -in "$2" -pubout); then
  fail "$2 is no private key in PEM"
fi
if [[ $of_certificate != "$of_key" ]]; then
  fail "the key in $2 is not that of the certificate in $1"
fi

# MinIO creates a directory for additional authorities beside them, so it needs to own this one.
install -d -o minio -g minio -m 0700 "$certs"
install -o minio -g minio -m 0400 "$1" "$certs/public.crt.new"
install -o minio -g minio -m 0400 "$2" "$certs/private.key.new"
mv "$certs/public.crt.new" "$certs/public.crt"
mv "$certs/private.key.new" "$certs/private.key"

# At start there is no process to reload.
if [[ -n ${MAINPID:-} ]]; then
  kill -HUP "$MAINPID"
  # Stacks may have given up because of the old certificate: the first certificate that NixOS
  # provides, until an ACME server has responded, is not trusted by any client.
  mapfile -t given_up < <(systemctl list-units --plain --no-legend --state=failed 'lakewright-client-*.service' | cut --delimiter=' ' --fields=1)
  if ((${#given_up[@]} > 0)); then
    systemctl reset-failed "${given_up[@]}"
    systemctl start --no-block "${given_up[@]}"
  fi
fi
