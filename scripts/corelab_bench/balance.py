"""Which worker gets which connection: openings, each counted by worker.

Cores say in /stats what each worker has accepted and answered; of others `/pid` answers which process has the
connection. Nothing is timed.
"""

import json
import socket
import time
from collections import Counter

from corelab_bench import http_check, idle
from corelab_bench.worker_loads import BalanceLoad

LEAST_OPENINGS = 3


def openings(port: int, load: BalanceLoad, seconds: float) -> list[dict]:
    """[{connections: by worker, requests: by worker}], for as long as `seconds` say."""
    deadline = time.monotonic() + seconds
    made = []
    while len(made) < LEAST_OPENINGS or time.monotonic() < deadline:
        made.append(by_stats(port, load) if load.count_by == "stats" else by_pid(port, load))
    return made


def by_stats(port: int, load: BalanceLoad) -> dict:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as watcher:
        before = stats(watcher, port)
        ask_all(port, load)
        after = stats(watcher, port)
    return {kind: [now[name] - then[name] for then, now in zip(before, after)]
            for kind, name in (("connections", "accepted"), ("requests", "requests"))}


def stats(watcher: socket.socket, port: int) -> list[dict]:
    """On one connection that stays, so that looking is no newcomer."""
    watcher.sendall(http_check.request(port, "/stats", close=False))
    return json.loads(http_check.read_answer(watcher).body)["workers"]


def by_pid(port: int, load: BalanceLoad) -> dict:
    answers = ask_all(port, load)
    owners = Counter(pids[0] for pids in answers)
    requests = Counter(pid for pids in answers for pid in pids)
    idle_workers = [0] * (load.workers - len(requests))
    return {"connections": [owners[pid] for pid in sorted(requests)] + idle_workers,
            "requests": [requests[pid] for pid in sorted(requests)] + idle_workers}


def ask_all(port: int, load: BalanceLoad) -> list[list[bytes]]:
    """The bodies that each connection got."""
    request = http_check.request(port, load.path, close=False)
    connections: list[socket.socket] = []
    try:
        while len(connections) < load.connections:
            connections.append(idle.open_one(port, request))
        answers: list[list[bytes]] = [[] for _ in connections]
        for _ in range(load.rounds):
            for connection, bodies in zip(connections, answers):
                connection.sendall(request)
                bodies.append(http_check.read_answer(connection).body)
        return answers
    finally:
        for connection in connections:
            connection.close()


def largest_share(opening: dict) -> float:
    return max(opening["connections"]) / max(sum(opening["connections"]), 1)
