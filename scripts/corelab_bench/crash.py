"""A worker is killed, or hangs, under a load that does not wait: who is not answered, and for how long.

Run as `python -m corelab_bench.crash PORT JSON`: the client, in a process of its own. It prints the moment at which it
begins, and at the end [due, seconds taken, outcome] of every request. No request is tried again: what is lost counts.
"""

import asyncio
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time

from corelab_bench import accounting, http_check, repo
from corelab_bench.load import LoadError
from corelab_bench.process import Server, environment, on_cpus
from corelab_bench.worker_loads import CrashLoad

HEAD_START_SECONDS = 0.1
BIN_SECONDS = 0.05  # of the timeline
PATIENCE_SECONDS = 10.0
ANSWERED = "answered"


def choose_victim(pids: list[int], root: int, seed: int) -> int:
    """A process that has no children, a worker; the only process where there is but one."""
    parents = {int(fields[1]) for pid in pids if (fields := accounting.stat_fields(pid))}
    leaves = [pid for pid in pids if pid != root and pid not in parents]
    return random.Random(seed).choice(leaves) if leaves else root


def run(server: Server, load: CrashLoad, seconds: float, cpus: list[int], seed: int) -> dict:
    """Loads, sends the signal at its moment, and says what came of every request."""
    victim = choose_victim(server.pids(), server.pid, seed)
    words = [sys.executable, "-m", "corelab_bench.crash", str(server.port),
             json.dumps({"load": dataclasses.asdict(load), "seconds": seconds})]
    client = subprocess.Popen(on_cpus(words, cpus, "KILL"), stdout=subprocess.PIPE, text=True, start_new_session=True,
                              stdin=subprocess.DEVNULL,
                              env=environment() | {"PYTHONPATH": str(repo.ROOT / "scripts")})
    try:
        line = client.stdout.readline()
        if not line:
            raise LoadError("the client ended before it began")
        begun = float(line)
        time.sleep(max(begun + load.at * seconds - time.monotonic(), 0))
        processes = server.pids()
        if victim not in processes:
            raise LoadError("the worker ended before it got the signal")
        hit = time.monotonic() - begun  # before: what the signal breaks must not seem broken earlier
        os.kill(victim, getattr(signal, f"SIG{load.signal}"))
        output, _ = client.communicate(timeout=seconds + load.timeout + PATIENCE_SECONDS)
    except subprocess.TimeoutExpired as late:
        raise LoadError("the client did not end in time") from late
    finally:
        if client.poll() is None:
            client.kill()
            client.wait()
        client.stdout.close()
        if load.signal == "STOP" and victim in server.pids():
            os.kill(victim, signal.SIGKILL)  # it could not heed a TERM
    if not output:
        raise LoadError("the client said nothing")
    return {"processes": len(processes), "alone": victim == server.pid} | reckon(json.loads(output), hit, seconds, load)


def reckon(answers: list, hit: float, seconds: float, load: CrashLoad) -> dict:
    """What the raw data keep: totals, the moments of trouble (seconds after the signal), and a timeline in bins."""
    bins = [[0, 0, 0] for _ in range(round(seconds / BIN_SECONDS))]
    lost: dict[str, int] = {}
    troubled, late, before = [], 0, 0
    for due, took, outcome in answers:
        slow = outcome == ANSWERED and took * 1000 > load.late_ms
        kind = 2 if outcome != ANSWERED else 1 if slow else 0
        bins[min(int(due / BIN_SECONDS), len(bins) - 1)][kind] += 1
        if kind == 0:
            continue
        late += slow
        if outcome != ANSWERED:
            lost[outcome] = lost.get(outcome, 0) + 1
        if due + took < hit:
            before += 1  # of no effect of the signal: the trial is not to be believed
        else:
            troubled.append(round(due - hit, 4))
    return {"signal": load.signal, "hit_seconds": hit, "due": len(answers), "lost": lost, "late": late,
            "trouble_before": before, "troubled": troubled, "bin_seconds": BIN_SECONDS, "bins": bins,
            "recovery_seconds": recovery(troubled, seconds - hit, load.quiet), "watched_seconds": seconds - hit,
            "answered_meanwhile": answered_between(answers, hit, hit + max(troubled, default=0.0))}


def recovery(troubled: list[float], watched: float, quiet: float) -> float | None:
    """Seconds from the signal until the last request in trouble was due; nothing if there was not `quiet` after it."""
    last = max([0.0, *troubled])
    return last if watched - last >= quiet else None


def answered_between(answers: list, begin: float, end: float) -> float | None:
    """The share of the requests due then that were answered: whether siblings went on."""
    outcomes = [outcome for due, _, outcome in answers if begin <= due <= end]
    return outcomes.count(ANSWERED) / len(outcomes) if outcomes else None


async def ask(connections: asyncio.Queue, port: int, request: bytes, begun: float, due: float,
              timeout: float) -> tuple[float, float, str]:
    await asyncio.sleep(max(begun + due - time.monotonic(), 0))
    connection, outcome, keep = None, ANSWERED, False
    taken = False
    try:
        async with asyncio.timeout(max(begun + due + timeout - time.monotonic(), 0)):
            connection = await connections.get()
            taken = True
            if connection is None or connection[0].at_eof() or connection[0].exception():
                close(connection)
                connection = None
                connection = await asyncio.open_connection("127.0.0.1", port)
            reader, writer = connection
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(http_check.content_length(head) or 0)
            keep = b"connection: close" not in head.lower()
            if head.split(b" ", 2)[1] != b"200":
                outcome = "status"
    except TimeoutError:
        outcome = "unanswered"
    except ConnectionRefusedError:
        outcome = "refused"
    except (OSError, EOFError):
        outcome = "reset"
    took = time.monotonic() - begun - due
    if taken:
        if not keep:
            close(connection)
        connections.put_nowait(connection if keep else None)
    return due, took, outcome


def close(connection) -> None:
    if connection is not None:
        connection[1].transport.abort()  # a reset leaves no TIME_WAIT behind


async def client(port: int, load: CrashLoad, seconds: float) -> list[tuple[float, float, str]]:
    request = http_check.request(port, load.path, close=False)
    connections: asyncio.Queue = asyncio.Queue()
    for _ in range(load.connections):
        connections.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    begun = time.monotonic() + HEAD_START_SECONDS
    print(begun, flush=True)
    dues = [number / load.rate for number in range(int(seconds * load.rate))]
    answers = await asyncio.gather(*(ask(connections, port, request, begun, due, load.timeout) for due in dues))
    while not connections.empty():
        close(connections.get_nowait())
    return answers


def main() -> None:
    wanted = json.loads(sys.argv[2])
    answers = asyncio.run(client(int(sys.argv[1]), CrashLoad(**wanted["load"]), wanted["seconds"]))
    print(json.dumps([[round(due, 4), round(took, 4), outcome] for due, took, outcome in answers]), flush=True)


if __name__ == "__main__":
    main()
