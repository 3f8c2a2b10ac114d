# shellcheck shell=bash
# Makes the server the owner of the top directories of its drives. Runs as root. tmpfiles.d does this
# at boot, but the top directory of a disk that was mounted later or replaced belongs to root. A
# broken disk is left to MinIO, which continues without it.

for drive in "$@"; do
  if [[ ! -e $drive ]]; then
    install -d -o minio -g minio -m 0750 "$drive" || true
  elif mountpoint --quiet "$drive" && [[ $(stat --format %U "$drive") != minio ]]; then
    chown minio:minio "$drive" || true
  fi
done
