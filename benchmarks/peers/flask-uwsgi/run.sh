#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES [THREADS [MODULE]]]   MODULE is one of common/
# --http11-socket keeps connections alive, --http-socket would not
set -euo pipefail
cd "$(dirname "$0")/../common"
export PYTHONDONTWRITEBYTECODE=1
exec uwsgi_python3 --http11-socket "127.0.0.1:$1" --master --processes "${3:-1}" --threads "${4:-1}" --enable-threads \
  --module "${5:-flask_lab}:app" --need-app --die-on-term --disable-logging --single-interpreter --py-call-osafterfork
