#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH   one loop in one process
set -euo pipefail
cd "$(dirname "$0")/../common"
exec plackup --env deployment --server Twiggy --host 127.0.0.1 --port "$1" --backlog 2048 --app lab_async.psgi
