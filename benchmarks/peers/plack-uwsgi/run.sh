#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES]   --http11-socket keeps connections alive, --http-socket would not
set -euo pipefail
cd "$(dirname "$0")/../common"
exec uwsgi_psgi --http11-socket "127.0.0.1:$1" --master --processes "${3:-1}" --psgi lab.psgi --need-app --die-on-term \
  --disable-logging
