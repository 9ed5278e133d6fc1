#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [WORKERS]   nginx in the foreground, everything it writes under SCRATCH
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
port=$1 scratch=$2 workers=${3:-1}
sed -e "s|@PORT@|$port|g" -e "s|@SCRATCH@|$scratch|g" -e "s|@WORKERS@|$workers|g" \
  "$here/nginx.conf.in" > "$scratch/nginx.conf"
exec /usr/sbin/nginx -e "$scratch/error.log" -p "$scratch" -c "$scratch/nginx.conf"
