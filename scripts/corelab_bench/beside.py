"""What runs beside a trial on the generator's CPUs, and no figure is taken of: clients that are idle or slow, and the
server that the measured one asks in turn."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corelab_bench import accounting, http_check
from corelab_bench.idle import IdleClient
from corelab_bench.process import POLL_SECONDS, Server, on_cpus
from corelab_bench.scenarios import Beside

CONNECT_LIMIT_SECONDS = 3.0
LONGEST_SECONDS = 60  # of slow clients; only matters if the harness dies


@contextmanager
def upstream(core: str, bin_dir: Path, cpus: list[int]) -> Iterator[tuple[str, ...]]:
    """A server behind the server; gives the flags that name it."""
    if not core:
        yield ()
        return
    command = (str(bin_dir / "corelab"), "serve", "--core", core, "--app", "lab", "-b", "127.0.0.1:{port}")
    with Server(command, (), cpus, ".") as server:
        server.wait_until(lambda: http_check.answers(server.port, "/plaintext"))
        yield ("--upstream", f"127.0.0.1:{server.port}")


@contextmanager
def clients(wanted: Beside | None, port: int, bin_dir: Path, cpus: list[int], record: dict) -> Iterator[int]:
    """Opens the connections, gives how many there are, and writes down how many stayed."""
    if wanted is None or wanted.connections == 0:
        yield 0
        return
    hold = idle if wanted.mode == "idle" else slow
    with hold(wanted, port, bin_dir, cpus) as (opened, problem, still_open):
        record["beside"] = {"mode": wanted.mode, "asked": wanted.connections, "open": opened, "problem": problem}
        yield opened
        record["beside"]["open_at_end"] = still_open()


@contextmanager
def idle(wanted: Beside, port: int, _: Path, cpus: list[int]) -> Iterator[tuple]:
    with IdleClient(port, wanted.path, cpus) as client:
        held = client.hold(wanted.connections)
        yield held["open"], held["problem"], lambda: client.hold(wanted.connections)["open"]


@contextmanager
def slow(wanted: Beside, port: int, bin_dir: Path, cpus: list[int]) -> Iterator[tuple]:
    before = accounting.established(port)
    command = [str(bin_dir / "corelab-load"), "--target", f"http://127.0.0.1:{port}{wanted.path}", "--connections",
               str(wanted.connections), f"--{wanted.mode}", f"{wanted.bytes_per_second:g}", "--duration",
               str(LONGEST_SECONDS), "--timeout", str(LONGEST_SECONDS), "--spin", "0", "--quiet"]
    process = subprocess.Popen(on_cpus(command, cpus, "KILL"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        deadline = time.monotonic() + CONNECT_LIMIT_SECONDS
        opened = 0
        while opened < wanted.connections and process.poll() is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            opened = accounting.established(port) - before
        problem = process.stderr.read().strip() if process.poll() is not None else ""
        yield opened, problem, lambda: accounting.established(port) - before
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
