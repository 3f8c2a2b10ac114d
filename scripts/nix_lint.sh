#!/usr/bin/env bash
# Checks every Nix file of the repository: it parses, is formatted as by nixfmt, has no unused
# bindings, and does not use `with lib;`. With --fix it formats the files.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t files < <(find flake.nix nix secrets tests -name '*.nix' | sort)
nixfmt=$(scripts/cargo-tool.sh nixfmt)

if [[ ${1-} == --fix ]]; then
  "$nixfmt" "${files[@]}"
  exit
fi

status=0
"$nixfmt" --check "${files[@]}" || {
  echo "nix_lint.sh: scripts/nix_lint.sh --fix formats them" >&2
  status=1
}
"$(scripts/cargo-tool.sh deadnix)" --fail "${files[@]}" || status=1
if grep --line-number --extended-regexp '^[^#]*\bwith lib\b' "${files[@]}"; then
  echo "nix_lint.sh: name the origin of each name: inherit (lib) …" >&2
  status=1
fi
# nixfmt has its own parser, but only Nix's parser is authoritative.
if command -v nix-instantiate >/dev/null; then
  nix-instantiate --parse "${files[@]}" >/dev/null || status=1
else
  echo "nix_lint.sh: nix is not here, its own parser was not asked" >&2
fi
exit "$status"
