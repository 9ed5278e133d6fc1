#!/usr/bin/env bash
# Installs what the build, the tests and the benchmarks need and this machine lacks. Debian and Ubuntu: by apt.
# Elsewhere it names what to install and stops. Asks apt for nothing when nothing is missing.
set -euo pipefail

packages=(
  build-essential cmake ninja-build pkg-config
  libuv1-dev libboost-dev node-llhttp libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libspdlog-dev libsqlite3-dev
  libgtest-dev libbenchmark-dev clang libclang-rt-14-dev
  wrk strace linux-perf slowhttptest nginx-light gunicorn python3-flask curl locales
  python3 python3-dev python3-matplotlib python3-numpy python3-pandas python3-scipy python3-jinja2 python3-markdown
  chromium
)

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  cat >&2 <<MESSAGE
setup: this machine has no apt. Install the equivalents of these Debian packages, then run make again:
  ${packages[*]}
MESSAGE
  exit 1
fi

# Newer distributions ship llhttp as a library of its own and a newer clang runtime.
alternatives() {
  case "$1" in
    node-llhttp) echo "node-llhttp libllhttp-dev" ;;
    linux-perf) echo "linux-perf linux-tools-generic" ;;
    libclang-rt-14-dev) echo "libclang-rt-14-dev libclang-rt-dev" ;;
    *) echo "$1" ;;
  esac
}

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=()
for package in "${packages[@]}"; do
  present=no
  for candidate in $(alternatives "$package"); do
    if installed "$candidate"; then present=yes; fi
  done
  [ $present = yes ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: run 'make setup' as root, or install sudo" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq
wanted=()
for package in "${missing[@]}"; do
  choice=""
  for candidate in $(alternatives "$package"); do
    if [ -z "$choice" ] && apt-cache show "$candidate" >/dev/null 2>&1; then choice=$candidate; fi
  done
  wanted+=("${choice:-$package}")
done
"$(dirname "$0")/apt_install.sh" "${wanted[@]}"
