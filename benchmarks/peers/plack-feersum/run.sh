#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH   one loop in one process
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../common"
exec plackup --env deployment --server Feersum --listen "127.0.0.1:$1" --app "$here/closing.psgi"
