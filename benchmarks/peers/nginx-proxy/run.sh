#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH BIN [FLAGS OF corelab serve...]
# nginx in the foreground, the core behind it on a socket file.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
port=$1 scratch=$2 bin=$3
shift 3
# nginx takes this process over, and the core ends with it.
setpriv --pdeathsig TERM "$bin/corelab" serve --bind "unix:$scratch/core.sock" --keep-alive 300 --drain-grace 0 "$@" &
for _ in $(seq 250); do [ ! -S "$scratch/core.sock" ] || break; sleep 0.02; done
chmod 666 "$scratch/core.sock"  # nginx's workers drop root
sed -e "s|@PORT@|$port|g" -e "s|@SCRATCH@|$scratch|g" "$here/nginx.conf.in" > "$scratch/nginx.conf"
exec /usr/sbin/nginx -e "$scratch/error.log" -p "$scratch" -c "$scratch/nginx.conf"
