#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES]   pm2 in the foreground, in cluster mode
set -euo pipefail
cd "$(dirname "$0")"
export LAB_PORT=$1 PM2_HOME=$2
exec ./node_modules/.bin/pm2-runtime start lab.js -i "${3:-1}"
