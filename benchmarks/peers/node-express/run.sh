#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES]
set -euo pipefail
cd "$(dirname "$0")"
exec node lab.js "$1" "${3:-1}"
