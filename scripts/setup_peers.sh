#!/usr/bin/env bash
# Installs, by apt and npm, the outside servers that benchmarks/peers names and this machine lacks. What is not to be had is
# said and left out: the report names the reason beside a peer that is absent.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v apt-get >/dev/null || { echo "setup-peers: this machine has no apt; see package = … in benchmarks/peers/*/manifest.toml" >&2; exit 1; }
as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi

# pm2 comes from npm, beside the peer that it starts.
if [ ! -x benchmarks/peers/node-pm2/node_modules/.bin/pm2-runtime ] && command -v npm >/dev/null; then
  npm install --prefix benchmarks/peers/node-pm2 --no-audit --no-fund --no-package-lock >&2 ||
    echo "setup-peers: npm could not install pm2" >&2
fi

missing=()
for package in $(sed -n 's/^package = "\(.*\)"$/\1/p' benchmarks/peers/*/manifest.toml | tr ' ' '\n' | sort -u); do
  if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ]; then continue; fi
  # Node may come from elsewhere than the distribution.
  if [ "$package" = nodejs ] && command -v node >/dev/null; then continue; fi
  missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  "${as_root[@]}" apt-get update -qq
  wanted=()
  for package in "${missing[@]}"; do
    if apt-cache show "$package" >/dev/null 2>&1; then
      wanted+=("$package")
    else
      echo "setup-peers: there is no package $package here" >&2
    fi
  done
  if [ ${#wanted[@]} -gt 0 ]; then
    echo "setup-peers: installing ${wanted[*]}" >&2
    scripts/apt_install.sh "${wanted[@]}"
  fi
fi

# What npm has goes into the peer's own folder.
for description in benchmarks/peers/*/package.json; do
  peer=$(dirname "$description")
  if [ -d "$peer/node_modules" ]; then continue; fi
  command -v npm >/dev/null || { echo "setup-peers: there is no npm here, which $peer needs" >&2; continue; }
  echo "setup-peers: npm install in $peer" >&2
  npm install --prefix "$peer" --no-package-lock --no-audit --no-fund --silent >&2 || rm -rf "$peer/node_modules"
done
