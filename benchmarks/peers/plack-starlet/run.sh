#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES]
set -euo pipefail
cd "$(dirname "$0")/../common"
exec plackup --env deployment --server Starlet --host 127.0.0.1 --port "$1" --max-workers "${3:-1}" \
  --max-keepalive-reqs 1000000000 --max-reqs-per-child 1000000000 --keepalive-timeout 300 --app lab.psgi
