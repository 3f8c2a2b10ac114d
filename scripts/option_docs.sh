#!/usr/bin/env bash
# Generates nix/OPTIONS.md from the modules; with --check it prints the difference and fails if
# there is one. nixpkgs' lib comes from NIX_PATH: nixpkgs-lib=… or nixpkgs=…
set -euo pipefail
cd "$(dirname "$0")/.."

page=nix/OPTIONS.md
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT

lib=$(nix-instantiate --find-file nixpkgs-lib 2>/dev/null || nix-instantiate --find-file nixpkgs)
nix --extra-experimental-features nix-command eval --raw --impure \
  --expr "(import ./nix/lib/options.nix { lib = import $lib/lib; }).page" >"$fresh"

case ${1-} in
--check)
  diff --unified "$page" "$fresh" || {
    echo "$page differs from the options of the modules: run scripts/option_docs.sh" >&2
    exit 1
  }
  ;;
'')
  cat "$fresh" >"$page"
  ;;
*)
  echo "usage: $0 [--check]" >&2
  exit 2
  ;;
esac
