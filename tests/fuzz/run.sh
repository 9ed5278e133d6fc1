#!/usr/bin/env bash
# run.sh BINARY SECONDS: fuzzes the session for a while, starting from the corpus, and leaves the corpus as it is.
# Ends with the fuzzer's exit code. A failing input stays in the directory that the last line names: add it to corpus/
# under the name of the mistake.
set -uo pipefail

if [ $# -ne 2 ]; then
  echo "usage: $0 BINARY SECONDS" >&2
  exit 2
fi
binary=$(realpath "$1")
seconds=$2
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
cp -r "$here/corpus" "$scratch/corpus"

"$binary" "$scratch/corpus" -dict="$here/http.dict" -max_total_time="$seconds" -max_len=4096 -timeout=10 \
  -artifact_prefix="$scratch/" -print_final_stats=1 >"$scratch/log" 2>&1
code=$?

if [ $code -eq 0 ]; then
  inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/log")
  echo "fuzz: ${inputs:-an unknown number of} inputs in $seconds s, every invariant held"
  rm -rf "$scratch"
else
  tail -n 60 "$scratch/log" >&2
  echo "fuzz: an invariant is violated (exit code $code); the input and the log are in $scratch" >&2
fi
exit $code
