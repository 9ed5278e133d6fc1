"""System calls a request, core by core: a separate pass under strace, which slows everything and is never timed.

strace is attached when the server is up, so that its start does not count. Calls
that many requests share (epoll_wait, futex) are counted as for a server with much to do, which a traced one has.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from corelab_bench import http_check, load
from corelab_bench.process import Server, StartError
from corelab_bench.scenarios import Load
from corelab_bench.targets import Catalogue, Target

CONNECTIONS = 16
ATTACH_SECONDS = 0.5
STOP_SECONDS = 10.0
SHOWN_FROM = 0.01  # calls a request; what is rarer is not a request's
# The canned responders stand beside their models.
TARGETS = ("core", "floor")
ROW = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", re.MULTILINE)


def measure(catalogue: Catalogue, seconds: float, server_cpus: list[int], generator_cpus: list[int]) -> dict:
    """{"rows": {target: {call: calls a request}}}, or {"absent": why}."""
    if seconds == 0:
        return {"absent": "not in this profile"}
    if not shutil.which("strace"):
        return {"absent": "strace is not installed: run `make setup`"}
    rows, failures = {}, []
    for target in [target for kind in TARGETS for target in catalogue.of_kind(kind) if not target.absent]:
        try:
            rows[target.name] = count(target, seconds, server_cpus, generator_cpus)
        except (StartError, load.LoadError, OSError) as problem:
            failures.append(f"{target.name}: {problem}")
    return {"rows": rows} if rows else {"absent": failures[0] if failures else "there is no core"}


def flags(target: Target) -> tuple[str, ...]:
    """As many threads or processes as connections where one serves one."""
    if target.kind == "floor":
        return ("--processes", str(CONNECTIONS)) if target.name == "floor-prefork" else ()
    if target.name == "thread-pool-handoff":
        return ("--workers", "4")  # as many as its canned responder has
    if target.waiting == "blocking":
        workers = () if target.name == "thread-per-connection" else ("--workers", str(CONNECTIONS))
        return (*workers, "--keep-alive-policy", "hold")
    return ("--workers", "1") if "SO_REUSEPORT" in target.model else ()


def count(target: Target, seconds: float, server_cpus: list[int], generator_cpus: list[int]) -> dict[str, float]:
    with Server(target.command, flags(target), server_cpus, target.folder) as server:
        server.wait_until(lambda: http_check.answers(server.port, "/plaintext"))
        summary = server.scratch / "calls"
        pids = [word for pid in server.pids() for word in ("-p", str(pid))]
        tracer = subprocess.Popen(["strace", "-f", "-c", "-o", str(summary), *pids], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            time.sleep(ATTACH_SECONDS)
            done = load.run(Load(path="/plaintext", connections=CONNECTIONS), server.port, seconds, generator_cpus)
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(STOP_SECONDS)
        return per_request(summary, done.requests)


def per_request(summary: Path, requests: int) -> dict[str, float]:
    if not summary.exists() or not os.path.getsize(summary):
        raise load.LoadError("strace counted nothing: it may not trace other processes here")
    return parse(summary.read_text(), requests)


def parse(text: str, requests: int) -> dict[str, float]:
    """What `strace -c` prints, over the requests; `total` is the sum of all calls."""
    calls = {name: int(number) for number, name in ROW.findall(text) if name != "total"}
    if not calls or not requests:
        raise load.LoadError("strace counted nothing")
    each = {name: number / requests for name, number in calls.items()}
    return {name: round(number, 4) for name, number in sorted(each.items(), key=lambda item: -item[1])
            if number >= SHOWN_FROM} | {"total": round(sum(each.values()), 4)}
