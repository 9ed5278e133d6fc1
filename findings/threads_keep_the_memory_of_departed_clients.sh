#!/usr/bin/env bash
# What 80 clients have asked for and left behind stays with a threaded WSGI server until it is restarted: ten to thirty times
# what it had before.
#
# Guessed: an answer of 10 MB is a block that malloc maps by itself and gives back when it is freed, so that the process is
# soon as large as before. Seen: malloc maps only the first such block by itself. When that is freed its bound rises (mallopt(3),
# M_MMAP_THRESHOLD), the next ones come from the arena of their thread, and the end of an arena that is not the main one goes
# back to the system only if more than twice that bound is free there; malloc_trim(3) does not cut it either. With one arena
# for all threads (MALLOC_ARENA_MAX=1) less is left, how much less varies, and what is left can be trimmed.
#
# Versions: gunicorn 23.0.0 (gthread, 16 threads), waitress 3.0.2 (16 threads), CPython 3.11, glibc 2.36, 2 CPUs.
# Output, MiB resident before, at most, and 10 s after the last client has left:
#   gunicorn                        before 42, most 462, after 472
#   gunicorn, MALLOC_ARENA_MAX=1    before 42, most 357, after 186
#   waitress                        before 14, most 418, after 353
#   waitress, MALLOC_ARENA_MAX=1    before 14, most 309, after 248
# Fails if a server without the variable comes back to less than three times what it had.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet gunicorn==23.0.0 waitress==3.0.2

cat >"$work/app.py" <<'PYTHON'
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return [b"small" if environ["PATH_INFO"] == "/small" else b"x" * 10_000_000]
PYTHON

cat >"$work/measure.py" <<'PYTHON'
import os
import socket
import subprocess
import sys
import time

work = sys.argv[1]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def resident(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        pids = [pid, *file.read().split()]
    kib = 0
    for one in pids:
        with open(f"/proc/{one}/status") as file:
            kib += sum(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    return kib // 1024


def ask_small(port):
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(b"GET /small HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        while client.recv(65536):
            pass


def forty_that_leave(port):
    clients = []
    for _ in range(40):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        clients.append(client)
    time.sleep(1)
    return clients


def measure(name, command, variables):
    port = free_port()
    server = subprocess.Popen([word.format(port=port) for word in command], cwd=work, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": work, **variables})
    try:
        for _ in range(100):
            try:
                ask_small(port)
                break
            except OSError:
                time.sleep(0.1)
        for _ in range(50):
            ask_small(port)
        before = most = resident(server.pid)
        for _ in range(2):
            clients = forty_that_leave(port)
            most = max(most, resident(server.pid))
            for client in clients:
                client.close()
            time.sleep(2)
        time.sleep(8)
        for _ in range(20):
            ask_small(port)
        after = resident(server.pid)
    finally:
        server.terminate()
        server.wait()
    print(f"{name:32}before {before}, most {most}, after {after}", flush=True)
    return before, after


programs = work + "/venv/bin/"
servers = {
    "gunicorn": [programs + "gunicorn", "-k", "gthread", "--threads", "16", "-b", "127.0.0.1:{port}", "app:app"],
    "waitress": [programs + "waitress-serve", "--threads=16", "--listen=127.0.0.1:{port}", "app:app"],
}
wrong = []
for name, command in servers.items():
    before, after = measure(name, command, {})
    measure(name + ", MALLOC_ARENA_MAX=1", command, {"MALLOC_ARENA_MAX": "1"})
    if after < 3 * before:
        wrong.append(f"{name} gives it back now")
sys.exit("; ".join(wrong) or 0)
PYTHON
python3 "$work/measure.py" "$work"
