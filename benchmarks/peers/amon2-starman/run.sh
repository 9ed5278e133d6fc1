#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES]
set -euo pipefail
cd "$(dirname "$0")"
exec starman --listen "127.0.0.1:$1" --workers "${3:-1}" --backlog 2048 --keepalive-timeout 300 \
  --max-requests 1000000000 --env deployment lab.psgi
