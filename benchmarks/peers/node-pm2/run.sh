#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES]   pm2 in the foreground, in cluster mode
set -euo pipefail
cd "$(dirname "$0")"
export PM2_HOME=$2 PM2_DISCRETE_MODE=true
exec ./node_modules/.bin/pm2-runtime start ../node-http/lab.js -i "${3:-1}" -- "$1" 1
