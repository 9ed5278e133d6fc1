#!/usr/bin/env bash
# usage: run.sh PORT SCRATCH [PROCESSES [THREADS]]   Apache in the foreground, everything it writes under SCRATCH
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
port=$1 scratch=$2 processes=${3:-1} threads=${4:-1}
# Apache drops root: the application stands where any user may read it.
cp "$here"/../common/{burn,flask_lab}.py "$scratch"
echo 'from flask_lab import app as application' > "$scratch/lab.wsgi"
sed -e "s|@PORT@|$port|g" -e "s|@SCRATCH@|$scratch|g" -e "s|@PROCESSES@|$processes|g" -e "s|@THREADS@|$threads|g" \
  "$here/httpd.conf.in" > "$scratch/httpd.conf"
exec /usr/sbin/apache2 -f "$scratch/httpd.conf" -DFOREGROUND
