"""The generator: wrk, run for a fraction of a second at a time, its one line of numbers parsed.

wrk is a closed loop: it gives throughput, and its latencies are not read at all.
"""

import json
import math
import resource
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from corelab_bench import accounting
from corelab_bench.process import POLL_SECONDS, on_cpus
from corelab_bench.scenarios import Load

SCRIPT = Path(__file__).parent / "lua" / "load.lua"
MARK = "corelab-wrk "
# wrk looks whether it should stop every 100 ms: asking a little early ends the run near the time asked for.
STOP_EARLY_SECONDS = 0.05
STOP_RETRY_SECONDS = 0.25
STOP_LIMIT_SECONDS = 15.0
CONNECT_LIMIT_SECONDS = 1.0
SEED = 20250101


class LoadError(RuntimeError):
    """The generator gave no numbers; the text is what it said."""


@dataclass(frozen=True)
class LoadResult:
    requests: int
    seconds: float
    bytes: int
    errors: dict[str, int]
    generator_cpu_seconds: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0


def wrk_command(load: Load, port: int, seconds: float) -> list[str]:
    # The upper bound only matters if the harness dies; normally SIGINT ends the run at a fraction of a second.
    return ["wrk", f"-t{load.threads}", f"-c{load.connections}", f"-d{math.ceil(seconds) + 3}s", "--timeout", "10s",
            "-s", str(SCRIPT), f"http://127.0.0.1:{port}{load.path}", "--",
            str(load.pipeline), "1" if load.close else "0", str(load.slow_share), load.slow_path or "-", str(SEED),
            str(load.post_bytes)]


def parse(output: str, generator_cpu_seconds: float = 0.0) -> LoadResult:
    for line in output.splitlines():
        if line.startswith(MARK):
            row = json.loads(line[len(MARK):])
            return LoadResult(row["requests"], row["microseconds"] / 1e6, row["bytes"], row["errors"],
                              generator_cpu_seconds)
    last = output.strip().splitlines()
    raise LoadError(f"wrk gave no numbers: {last[-1] if last else 'it printed nothing'}")


def run(load: Load, port: int, seconds: float, cpus: list[int], looks=(), others: int = 0) -> LoadResult:
    """Loads the port for about `seconds`. `looks` are (fraction of the time, callable), called while it runs, in order.
    `others` are the connections that somebody else holds there.
    """
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    wrk = subprocess.Popen(on_cpus(wrk_command(load, port, seconds), cpus, "KILL"), stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
                           preexec_fn=ignore_interrupt)
    try:
        wait_until_connected(wrk, port, load.held + others)
        begun = time.monotonic()
        for fraction, look in looks:
            pause(wrk, begun + fraction * seconds - time.monotonic())
            look()
        pause(wrk, begun + seconds - STOP_EARLY_SECONDS - time.monotonic())
        output = interrupt(wrk)
    finally:
        if wrk.poll() is None:
            wrk.kill()
            wrk.wait()
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return parse(output, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime)


def ignore_interrupt() -> None:
    """In the child, until wrk installs its own handler: an INT too early must not end it without numbers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def interrupt(wrk: subprocess.Popen) -> str:
    """Asks wrk to stop until it does; returns what it printed."""
    deadline = time.monotonic() + STOP_LIMIT_SECONDS
    while time.monotonic() < deadline:
        wrk.send_signal(signal.SIGINT)
        try:
            return wrk.communicate(timeout=STOP_RETRY_SECONDS)[0]
        except subprocess.TimeoutExpired:
            continue
    raise LoadError(f"wrk did not stop within {STOP_LIMIT_SECONDS:g} s")


def wait_until_connected(wrk: subprocess.Popen, port: int, connections: int) -> None:
    """The time starts when the load does. Connections that never come are for the gates to find."""
    deadline = time.monotonic() + CONNECT_LIMIT_SECONDS
    while wrk.poll() is None and time.monotonic() < deadline and accounting.established(port) < connections:
        time.sleep(POLL_SECONDS)


def pause(wrk: subprocess.Popen, seconds: float) -> None:
    """Sleeps, but not on after wrk has ended."""
    if seconds > 0:
        try:
            wrk.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
