#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES [THREADS]]   Unit takes its configuration over its control socket, once it is up
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
port=$1 scratch=$2 processes=${3:-1} threads=${4:-1}
cp "$here"/../common/{burn,flask_lab}.py "$scratch"  # Unit drops root
mkdir "$scratch/state" "$scratch/tmp"
cat > "$scratch/unit.json" <<CONFIGURATION
{"listeners": {"127.0.0.1:$port": {"pass": "applications/lab"}},
 "settings": {"http": {"idle_timeout": 300}},
 "applications": {"lab": {"type": "python", "path": "$scratch", "module": "flask_lab", "callable": "app",
                          "processes": $processes, "threads": $threads}}}
CONFIGURATION
for _ in $(seq 50); do
  sleep 0.1
  if curl --silent --fail --output /dev/null --request PUT --data-binary "@$scratch/unit.json" \
    --unix-socket "$scratch/control.sock" http://localhost/config; then break; fi
done &
exec unitd --no-daemon --control "unix:$scratch/control.sock" --pid "$scratch/unit.pid" --log "$scratch/unit.log" \
  --statedir "$scratch/state" --tmpdir "$scratch/tmp"
