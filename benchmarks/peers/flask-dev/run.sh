#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH   Flask's development server; its documentation says not to use it in production
set -euo pipefail
cd "$(dirname "$0")/../common"
export PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 -c "
import logging
from flask_lab import app
logging.getLogger('werkzeug').disabled = True
app.run('127.0.0.1', $1, threaded=True)"
