#!/usr/bin/env bash
# An installed corelab is used by a project that knows nothing of this tree: install into an empty prefix, build the
# example against it with find_package, serve its handler, ask for it.
#
#   install_test.sh BUILD_DIRECTORY EXAMPLE_SOURCE_DIRECTORY [CXX_COMPILER]
set -euo pipefail

build=$1
example=$2
compiler=${3:-c++}
scratch=$(mktemp -d)
server=""
cleanup() {
  if [ -n "$server" ]; then kill -KILL "$server" 2>/dev/null || true; fi
  wait 2>/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT
fail() {
  echo "FAILED: $1"
  exit 1
}

cmake --install "$build" --prefix "$scratch/prefix" >"$scratch/log" 2>&1 || { cat "$scratch/log"; fail "install"; }
"$scratch/prefix/bin/corelab" --version || fail "the installed program does not run"
# Copied out, so that nothing of the tree is found by accident.
cp -r "$example" "$scratch/example"
cmake -S "$scratch/example" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$scratch/prefix" -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_BUILD_TYPE=Release >"$scratch/log" 2>&1 || { cat "$scratch/log"; fail "find_package(corelab)"; }
cmake --build "$scratch/build" >"$scratch/log" 2>&1 || { cat "$scratch/log"; fail "build of the example"; }

: >"$scratch/server"
"$scratch/build/example" serve --core event-loop -b 127.0.0.1:0 2>"$scratch/server" &
server=$!
address=""
for _ in $(seq 100); do
  address=$(sed -n 's/^example: listening on \([^ ]*\) .*/\1/p' "$scratch/server")
  if [ -n "$address" ]; then break; fi
  sleep 0.1
done
[ -n "$address" ] || { cat "$scratch/server"; fail "the example does not listen"; }
answer=$(curl -s --max-time 10 "http://$address/hello") || fail "no answer"
[ "$answer" = "Hello" ] || fail "another answer: $answer"
curl -si --max-time 10 "http://$address/hello" | grep -q "^Server: example"$'\r'"$" || fail "answers under another name"

kill -TERM "$server"
code=0
wait "$server" || code=$?
server=""
[ $code -eq 0 ] || fail "exit code $code of the example"

"$scratch/build/example" serve --print-config >"$scratch/printed.toml"
"$scratch/build/example" serve -c "$scratch/printed.toml" --check-config || fail "it refuses the configuration it has printed"
echo "an installed corelab serves the example's own handler"
