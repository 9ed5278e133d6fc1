#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES]
set -euo pipefail
cd "$(dirname "$0")"
export PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 lab.py "$1" "${3:-1}"
