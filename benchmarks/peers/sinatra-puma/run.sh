#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES [THREADS]]   one process: no cluster
set -euo pipefail
cd "$(dirname "$0")/../common"
processes=${3:-1} threads=${4:-5}
cluster=()
if [ "$processes" -gt 1 ]; then cluster=(--workers "$processes"); fi
exec puma --bind "tcp://127.0.0.1:$1" --threads "$threads:$threads" "${cluster[@]}" --environment production --quiet config.ru
