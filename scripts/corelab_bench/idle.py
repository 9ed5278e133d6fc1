"""The client that holds idle keep-alive connections, in a process (and with descriptors) of its own.

Run as `python -m corelab_bench.idle PORT PATH`. Each line on standard input is a number of connections to hold; for
each it answers one line of JSON: how many are open and have had one answer each. End of input resets them all.
"""

import json
import resource
import select
import socket
import struct
import subprocess
import sys

from corelab_bench import http_check, repo
from corelab_bench.process import environment, on_cpus

SPARE_DESCRIPTORS = 64


class IdleClient:
    """The harness's end of it. Use as a context manager."""

    def __init__(self, port: int, path: str, cpus: list[int]):
        self.command = on_cpus([sys.executable, "-m", "corelab_bench.idle", str(port), path], cpus, "KILL")
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "IdleClient":
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment() | {"PYTHONPATH": str(repo.ROOT / "scripts")},
                                        start_new_session=True)
        return self

    def __exit__(self, failure, *_) -> None:
        if failure:
            self.process.kill()  # it may be in the middle of opening thousands
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def hold(self, connections: int) -> dict:
        self.process.stdin.write(f"{connections}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"open": 0, "problem": "the idle client died"}


def open_one(port: int, request: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    # A reset at the end leaves no TIME_WAIT behind for the next trial to trip over.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.sendall(request)
    http_check.read_answer(connection)
    return connection


def still_open(connections: list[socket.socket]) -> int:
    """Connections on which nothing has happened since their answer: data or an end would make them readable."""
    poller = select.poll()
    for connection in connections:
        poller.register(connection, select.POLLIN | select.POLLRDHUP)
    return len(connections) - len(poller.poll(0))


def main() -> None:
    port, path = int(sys.argv[1]), sys.argv[2]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    request = http_check.request(port, path, close=False)
    connections: list[socket.socket] = []
    for line in sys.stdin:
        problem = ""
        wanted = min(int(line), hard - SPARE_DESCRIPTORS)
        if wanted < int(line):
            problem = f"this process may open {hard} descriptors only: raise `ulimit -n`"
        try:
            while len(connections) < wanted:
                connections.append(open_one(port, request))
        except (OSError, ValueError) as failure:
            problem = f"connection {len(connections) + 1}: {failure}"
        print(json.dumps({"open": still_open(connections), "problem": problem}), flush=True)


if __name__ == "__main__":
    main()
