#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES [THREADS [GUNICORN FLAGS]]]   gthread workers even for one thread: only the numbers differ
set -euo pipefail
cd "$(dirname "$0")/../common"
port=$1 scratch=$2 processes=${3:-1} threads=${4:-1}
export PYTHONDONTWRITEBYTECODE=1
exec gunicorn --bind "127.0.0.1:$port" --workers "$processes" --threads "$threads" --worker-class gthread \
  --worker-tmp-dir "$scratch" --keep-alive 300 --graceful-timeout 1 --backlog 2048 --log-level warning "${@:5}" flask_lab:app
