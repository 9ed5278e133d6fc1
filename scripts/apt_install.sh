#!/usr/bin/env bash
# usage: apt_install.sh PACKAGE...
# Installs by apt, as root or by sudo, and starts none of the daemons that come along: the benchmarks start their own, on
# ports of their own.
set -euo pipefail

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "apt_install: run this as root, or install sudo" >&2; exit 1; }
  as_root=(sudo)
fi

# A policy that somebody has is theirs; else there is one for as long as this takes (invoke-rc.d: 101 is "do not").
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap '"${as_root[@]}" rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
  "${as_root[@]}" chmod 755 $policy
fi
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 install -y \
  --no-install-recommends "$@" >&2
