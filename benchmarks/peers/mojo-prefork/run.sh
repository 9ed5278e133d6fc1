#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES]
set -euo pipefail
cd "$(dirname "$0")"
exec perl lab.pl prefork --mode production --listen "http://127.0.0.1:$1?reuse=0" --workers "${3:-1}" --spare 0 \
  --pid-file "$2/mojo.pid" --accepts 0 --requests 1000000000 --keep-alive-timeout 300 --backlog 2048
