#!/usr/bin/env bash
# slowhttptest against one core: slow headers, slow body and slow read, 500 connections each and all three at once, and
# beside them a probe that must still be answered fast.
#
#   slowhttptest.sh CORELAB CORE...       several cores at once, each with attacks of its own
#   SLOWHTTPTEST_SECONDS (20)       how long the attacks last
#   CORELAB_TEST_SLOWDOWN (1)       factor on the time that a probe may take
# Exit: 0 every attack withstood; 1 not; 77 slowhttptest is not installed.
set -euo pipefail

corelab=$1
if [ $# -gt 2 ]; then
  shift
  tests=()
  for core in "$@"; do
    "$0" "$corelab" "$core" &
    tests+=($!)
  done
  worst=0
  for test in "${tests[@]}"; do wait "$test" || worst=$?; done
  exit $worst
fi
core=$2
seconds=${SLOWHTTPTEST_SECONDS:-20}
connections=500

for tool in slowhttptest curl; do
  if ! command -v "$tool" >/dev/null; then
    echo "skipped: $tool is not installed (make setup installs it)"
    exit 77
  fi
done

limit=$(awk -v factor="${CORELAB_TEST_SLOWDOWN:-1}" 'BEGIN { print 0.1 * factor }')
scratch=$(mktemp -d)
server=""
attacks=""
cleanup() {
  for pid in $attacks $server; do kill -KILL "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT

# The attack needs its own descriptors, and the server as many.
ulimit -n 4096 2>/dev/null || true
: >"$scratch/server"
env -u CORELAB_TEST_SLOWDOWN -u CORELAB_BIN "$corelab" serve --core "$core" -b 127.0.0.1:0 2>"$scratch/server" &
server=$!
for _ in $(seq 100); do
  address=$(sed -n 's/^corelab: listening on \([^ ]*\) .*/\1/p' "$scratch/server")
  if [ -n "$address" ]; then break; fi
  sleep 0.1
done
if [ -z "$address" ]; then
  echo "$core does not start: $(cat "$scratch/server")"
  exit 1
fi

# Connections to the server that the kernel holds at this moment.
established() {
  awk -v port="$(printf ':%04X' "${address##*:}")" '$2 ~ port "$" && $4 == "01"' /proc/net/tcp | wc -l
}

attack_lasts() {
  for pid in $attacks; do
    if kill -0 "$pid" 2>/dev/null; then return 0; fi
  done
  return 1
}

# Probes until the attacks end: one line each in the file, seconds or "failed"; prints the most connections seen.
probe() {
  local peak=0 now answer
  while attack_lasts; do
    answer=$(curl -s -o "$scratch/body" -w '%{http_code} %{time_total}' --max-time 5 "http://$address/plaintext" || true)
    if [ "${answer% *}" = 200 ]; then echo "${answer#* }"; else echo failed; fi >>"$scratch/probes"
    now=$(established)
    if [ "$now" -gt "$peak" ]; then peak=$now; fi
    sleep 0.1
  done
  echo "$peak"
}

attack() {
  timeout $((seconds + 20)) slowhttptest -c $connections -r $connections -l "$seconds" -p 5 -v 1 "$@" >/dev/null 2>&1 &
  attacks="$attacks $!"
}

: >"$scratch/probes"
attack -H -i 2 -x 24 -u "http://$address/plaintext"
attack -B -i 2 -s 8192 -x 24 -u "http://$address/echo"
attack -X -w 512 -y 1024 -n 1 -z 32 -u "http://$address/bytes?n=1000000"
peak=$(probe)
for pid in $attacks; do wait "$pid" || true; done
attacks=""

failed=0
if [ "$peak" -lt $((3 * connections * 9 / 10)) ]; then
  echo "FAILED: $core: the attacks got only $peak of $((3 * connections)) connections: the probes show nothing"
  failed=1
fi
# The median says what a client sees; one probe, or one in twenty, may meet a busy CPU of the test machine; none may
# fail.
if ! sort -g "$scratch/probes" | awk -v limit="$limit" -v core="$core" -v peak="$peak" '
    $1 == "failed" { lost++; next }
    { times[++count] = $1; late += $1 > limit }
    END {
      if (count == 0) { print core ": no probe was answered"; exit 1 }
      median = times[int((count + 1) / 2)]; worst = times[count]
      printf "%s: %d connections at most, %d probes, median %.1f ms, worst %.1f ms, late %d, failed %d\n",
        core, peak, count, median * 1000, worst * 1000, late, lost
      allowed = count > 20 ? count / 20 : 1
      exit (lost > 0 || late > allowed || median > limit)
    }'; then
  echo "FAILED: a probe must be answered within $limit s"
  failed=1
fi

kill -TERM "$server"
for _ in $(seq 100); do
  if ! kill -0 "$server" 2>/dev/null; then break; fi
  sleep 0.1
done
if kill -0 "$server" 2>/dev/null; then
  echo "$core does not end after the attacks"
  failed=1
fi
exit $failed
