#!/usr/bin/env bash
# Looks at every Nix file of the repository: it parses, is formatted as nixfmt does, binds nothing
# that it does not use, and takes no name from nowhere (`with lib;`). With --fix it formats them.
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
  echo "nix_lint.sh: say where names come from: inherit (lib) …" >&2
  status=1
fi
# nixfmt has a parser of its own; Nix's is the one that counts.
if command -v nix-instantiate >/dev/null; then
  nix-instantiate --parse "${files[@]}" >/dev/null || status=1
else
  echo "nix_lint.sh: nix is not here, its own parser was not asked" >&2
fi
exit "$status"
