#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES]
set -euo pipefail
cd "$(dirname "$0")/../common"
echo "worker_processes ${3:-1}" > "$2/unicorn.rb"
exec unicorn --listen "127.0.0.1:$1" --config-file "$2/unicorn.rb" --env production config.ru
