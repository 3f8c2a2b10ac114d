#!/usr/bin/env bash
# Runs the fuzz targets in fuzz/ and prints the executions and crashes of each:
# scripts/fuzz.sh SECONDS [TARGET...]. New inputs are kept in the cache and used by the next run.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:?scripts/fuzz.sh SECONDS [TARGET...]}
shift
corpora=${LAKEWRIGHT_CACHE:-$HOME/.cache/lakewright}/fuzz
cargo_fuzz=$(scripts/cargo-tool.sh cargo-fuzz)
# The sanitizers need a nightly compiler, and find only what unsafe code does. The coverage that
# libFuzzer is led by and the checks of overflow work with the stable one.
options=(--sanitizer none --target-dir "${CARGO_TARGET_DIR:-$PWD/fuzz/target}/fuzz")
# 10 s and 1 GiB for one input of at most 64 KiB are far above what reading it may take.
limits=(-max_len=65536 -timeout=10 -rss_limit_mb=1024)

# The crates that are fuzzed have the versions of the workspace; cargo adds those of libFuzzer.
cp Cargo.lock fuzz/Cargo.lock
"$cargo_fuzz" build "${options[@]}"
mapfile -t targets < <("$cargo_fuzz" list)
(($# == 0)) || targets=("$@")

failed=0 summary=()
for target in "${targets[@]}"; do
  echo "== $target, $seconds s"
  mkdir -p "$corpora/$target"
  log=$corpora/$target.log crashes=0
  "$cargo_fuzz" run "${options[@]}" "$target" "$corpora/$target" "fuzz/seeds/$target" -- \
    "${limits[@]}" -max_total_time="$seconds" -print_final_stats=1 >"$log" 2>&1 ||
    crashes=1 failed=1
  ((crashes == 0)) || tail -n 60 "$log"
  runs=$(sed -nE 's/^stat::number_of_executed_units: +//p' "$log")
  summary+=("$(printf '%-16s %12s executions  %s' "$target" "${runs:-no}" \
    "$( ((crashes)) && echo "CRASHED, see $log" || echo "no crash")")")
done
echo "== fuzzing: $seconds s each"
printf '%s\n' "${summary[@]}"
exit "$failed"
