# shellcheck shell=bash
# Copies certificate $1 and key $2 to $3, the folder from which MinIO reads them, and reloads a
# running MinIO. Runs as root, with the functions of foreign-files.sh. No other user can write to the
# folder, so the server's user cannot put a link there that root would follow.

certs=$3

fail() {
  printf 'The certificate is not taken up: %s.\n' "$1" >&2
  exit 1
}

umask 0077
# MinIO creates the folder for additional authorities if it is missing.
install -d -o root -g minio -m 0750 "$certs" "$certs/CAs"
trap 'rm -f "$certs"/*.new' EXIT

# The copies are checked and not the files, which may change in between.
copy() {
  if ! read_file "$1" >"$2" || [[ ! -s $2 ]]; then
    fail "$1 does not exist, is empty or is not a regular file"
  fi
}
copy "$1" "$certs/public.crt.new"
copy "$2" "$certs/private.key.new"

# MinIO would continue with the old pair and fail at its next start.
if ! of_certificate=$(openssl x509 -in "$certs/public.crt.new" -noout -pubkey); then
  fail "$1 is no certificate in PEM"
fi
if ! of_key=$(openssl pkey -in "$certs/private.key.new" -pubout); then
  fail "$2 is no private key in PEM"
fi
if [[ $of_certificate != "$of_key" ]]; then
  fail "the key in $2 is not that of the certificate in $1"
fi

chgrp minio "$certs/public.crt.new" "$certs/private.key.new"
chmod 0440 "$certs/public.crt.new" "$certs/private.key.new"
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
