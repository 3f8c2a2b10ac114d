#!/usr/bin/env bash
# Runs cargo so that it lists the crates of a binary in the binary (section .dep-v0). maturin calls it
# as $CARGO.
set -euo pipefail
exec "$("$(dirname "$0")/cargo-tool.sh" cargo-auditable)" auditable "$@"
