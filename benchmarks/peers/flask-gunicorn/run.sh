#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES [THREADS [CLASS [MODULE [GUNICORN FLAGS]]]]]
# gthread workers even for one thread, so that only the numbers differ; CLASS gevent has greenlets instead, sync neither
# (and closes each connection). MODULE is one of common/.
set -euo pipefail
cd "$(dirname "$0")/../common"
port=$1 scratch=$2 processes=${3:-1} threads=${4:-1} class=${5:-gthread} module=${6:-flask_lab}
export PYTHONDONTWRITEBYTECODE=1
if [ "$class" = gevent ] && ! /usr/bin/python3 -c 'import gevent'; then
  echo "gevent is not installed (Debian package python3-gevent)" >&2
  exit 1
fi
exec gunicorn --bind "127.0.0.1:$port" --workers "$processes" --threads "$threads" --worker-class "$class" \
  --worker-tmp-dir "$scratch" --keep-alive 300 --graceful-timeout 1 --backlog 2048 --log-level warning "${@:7}" \
  "$module:app"
