# shellcheck shell=bash
# Gives the server the folders of its drives. Runs as root. tmpfiles.d did so at boot, but a disk that
# was mounted later, or replaced, has a top folder that belongs to root. A broken one is left to
# MinIO, which goes on without it.

for drive in "$@"; do
  if [[ ! -e $drive ]]; then
    install -d -o minio -g minio -m 0750 "$drive" || true
  elif mountpoint --quiet "$drive" && [[ $(stat --format %U "$drive") != minio ]]; then
    chown minio:minio "$drive" || true
  fi
done
