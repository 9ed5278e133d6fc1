#!/usr/bin/env bash
# As the first process of a container (PID 1) the server waits for orphans that its application leaves, on every core,
# passes signals on, and ends with its exit code. $1: the corelab program, $2: the directory of test applications.
set -u
corelab=$1 apps=$2
slowdown=${CORELAB_TEST_SLOWDOWN:-1}
namespace=(unshare --pid --fork --mount-proc --kill-child)
"${namespace[@]}" true 2>/dev/null || namespace=(unshare --user --map-root-user --pid --fork --mount-proc --kill-child)
if ! "${namespace[@]}" true 2>/dev/null; then
  echo "skipped: this machine lets nobody make a PID namespace"
  exit 77
fi
if ! "$corelab" serve --app wsgi:x:y --check-config >/dev/null 2>&1; then
  echo "skipped: the program was built without Python"
  exit 77
fi
failures=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Inside the namespace: $1 core.
cat >"$work/inside.sh" <<'INSIDE'
core=$1 corelab=$2 apps=$3 work=$4
ask() {
  exec 3<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n' "$1" >&3
  tail -n 1 <&3
  exec 3>&-
}
until port=$(grep -o '127.0.0.1:[0-9]*' "$work/errors" 2>/dev/null | cut -d: -f2) && [ -n "$port" ]; do sleep 0.05; done
ask /orphans >/dev/null
sleep "$5"
zombies=$(grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l)
echo "$core: $zombies zombies; the application's own children: $(ask /own_child)"
kill -TERM 1
INSIDE

for core in $("$corelab" cores | awk 'NR > 1 { print $1 }'); do
  : >"$work/errors"
  # The server is PID 1; what asks it is put beside it.
  "${namespace[@]}" bash -c "
    bash '$work/inside.sh' $core '$corelab' '$apps' '$work' $((slowdown * 1)) >'$work/seen' 2>&1 &
    exec '$corelab' serve --core $core -b 127.0.0.1:0 --app wsgi:orphans:app --app-dir '$apps' 2>'$work/errors'"
  code=$?
  cat "$work/seen"
  if [ "$(cat "$work/seen")" != "$core: 0 zombies; the application's own children: 7" ] || [ $code -ne 0 ]; then
    echo "$core: exit code $code"
    cat "$work/errors"
    failures=1
  fi
done
exit $failures
