#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES]
set -euo pipefail
cd "$(dirname "$0")"
export PYTHONDONTWRITEBYTECODE=1
exec uvicorn --host 127.0.0.1 --port "$1" --workers "${3:-1}" --no-access-log --log-level warning \
  --timeout-keep-alive 300 lab:app
