"""Single requests over time, from both ends, in a pass of its own that no comparison uses.

The client says when a request was due, sent and answered; the server's own trace (`corelab serve --trace`) says when
its handler ran. Both read the same monotonic clock. A server does not see a request that waits in its socket, so the
wait is what lies between `due` and the handler, and no slice of the trace.
"""

import asyncio
import json
import random
import time
from dataclasses import dataclass
from pathlib import Path

from corelab_bench import http_check
from corelab_bench.load import LoadError
from corelab_bench.process import Server, StartError
from corelab_bench.scenarios import Entry, Scenario, TimedLoad
from corelab_bench.targets import Catalogue
from corelab_bench.trial import Placement

FILE = "requests.ndjson"  # in the run's folder: one line an entry
SEED = 20250101
LEAD_SECONDS = 0.1  # from the last connection to the first arrival
SPIN_SECONDS = 0.002  # before a request is due: a timer alone is up to a millisecond late
GRACE_SECONDS = 2.0
TRACE_LIMIT = 200_000


@dataclass
class Asked:
    """One request; seconds of the monotonic clock."""

    due: float
    of_class: str
    path: str
    connection: int = -1
    sent: float = 0.0
    answered: float = 0.0


def measure(scenarios: list[Scenario], catalogue: Catalogue, placements: dict[str, Placement], seconds: float,
            folder: Path) -> dict:
    """Writes a line for each entry that a scenario's `trace` names; returns what could not be traced."""
    failures = []
    listed = [(scenario, entry) for scenario in scenarios for entry in scenario.entries
              if entry.label in scenario.trace and not catalogue[entry.target].absent]
    for scenario, entry in listed if seconds > 0 else ():
        try:
            line = trace(scenario, entry, catalogue, placements[scenario.name], seconds)
        except (StartError, LoadError, OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as problem:
            failures.append(f"{scenario.name}, {entry.label}: {problem or type(problem).__name__}")
            continue
        with open(folder / FILE, "a") as file:
            file.write(json.dumps(line) + "\n")
    return {"seconds": seconds, "failures": failures}


def trace(scenario: Scenario, entry: Entry, catalogue: Catalogue, placement: Placement, seconds: float) -> dict:
    target = catalogue[entry.target]
    server = Server(target.command, entry.flags, placement.server, target.folder)
    path = server.scratch / "trace.json"
    server.command += ["--trace", str(path), "--trace-limit", str(TRACE_LIMIT)]
    with server:
        server.wait_until(lambda: http_check.answers(server.port, scenario.load.path))
        asked, greetings = asyncio.run(ask(scenario.load, server.port, seconds))
        server.stop()
        events = json.loads(path.read_text())
    return {"scenario": scenario.name, "entry": entry.label, "target": target.name, "seconds": seconds,
            "requests": rows(asked, greetings, handlers(events))}


def arrivals(load: TimedLoad, seconds: float) -> list[tuple[float, str]]:
    """(seconds from the start, class) of a Poisson stream, the same for every entry."""
    rng = random.Random(SEED)
    names = list(load.classes)
    weights = [float(text.partition(":")[0]) for text in load.classes.values()]
    at, listed = rng.expovariate(load.rate), []
    while at < seconds:
        listed.append((at, rng.choices(names, weights)[0]))
        at += rng.expovariate(load.rate)
    return listed


async def ask(load: TimedLoad, port: int, seconds: float) -> tuple[list[Asked], list[tuple[float, float]]]:
    """The requests, and for each connection when its first one, which opened it, was sent and answered."""
    connections, greetings = [], []
    for _ in range(load.connections):
        connections.append(await asyncio.open_connection("127.0.0.1", port))
        sent = time.monotonic()
        await asyncio.wait_for(exchange(*connections[-1], load.path), GRACE_SECONDS)
        greetings.append((sent, time.monotonic()))
    paths = {name: text.partition(":")[2] for name, text in load.classes.items()}
    start = time.monotonic() + LEAD_SECONDS
    asked = [Asked(start + at, name, paths[name]) for at, name in arrivals(load, seconds)]
    idle: asyncio.Queue[int] = asyncio.Queue()
    for index in range(load.connections):
        idle.put_nowait(index)

    async def one(request: Asked) -> None:
        await asyncio.sleep(max(request.due - time.monotonic() - SPIN_SECONDS, 0))
        while time.monotonic() < request.due:
            await asyncio.sleep(0)
        index = await idle.get()
        request.connection, request.sent = index, time.monotonic()
        await exchange(*connections[index], request.path)
        request.answered = time.monotonic()
        idle.put_nowait(index)

    try:
        await asyncio.wait_for(asyncio.gather(*map(one, asked)), LEAD_SECONDS + seconds + GRACE_SECONDS)
    except asyncio.TimeoutError:
        pass  # those without an answer say so
    for _, writer in connections:
        writer.close()
    return asked, greetings


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    if not head.startswith("http/1.1 200 "):
        raise LoadError(f"{path} was answered {head.splitlines()[0]}")
    await reader.readexactly(int(head.partition("content-length:")[2].split("\r\n")[0]))


def handlers(events: list[dict]) -> dict[tuple[int, int], list[tuple[float, float, int]]]:
    """(begin, end, thread) of the handlers of each connection, in order; seconds."""
    found: dict[tuple[int, int], list[tuple[float, float, int]]] = {}
    for event in events:
        if event["name"] == "handler":
            begin = event["ts"] / 1e6
            found.setdefault((event["pid"], event["args"]["connection"]), []).append(
                (begin, begin + event["dur"] / 1e6, event["tid"]))
    return {key: sorted(slices) for key, slices in found.items()}


def rows(asked: list[Asked], greetings: list[tuple[float, float]], handled: dict) -> list[dict]:
    """A row for each request, milliseconds from the first one's due time; no `handler` where the trace has none.

    A connection is told by its greeting: greetings came one at a time, so the handler that ran meanwhile is its own.
    From there on the requests of a connection and its handlers come in the same order.
    """
    start = asked[0].due if asked else 0.0
    threads: dict[int, int] = {}
    slices = {}
    for index, (sent, answered) in enumerate(greetings):
        own = next((list_ for list_ in handled.values() if sent <= list_[0][0] <= answered), [])
        slices[index] = iter(own[1:])

    def ms(at: float) -> float:
        return round((at - start) * 1e3, 3)

    by_send = sorted((request for request in asked if request.sent), key=lambda request: request.sent)
    ran = {id(request): next(slices[request.connection], None) for request in by_send}
    listed = []
    for request in asked:
        row = {"due": ms(request.due), "class": request.of_class}
        if request.sent:
            row["sent"] = ms(request.sent)
        if request.answered:
            row["answered"] = ms(request.answered)
        if handler := ran.get(id(request)):
            begin, end, thread = handler
            row["handler"] = [ms(begin), ms(end), threads.setdefault(thread, len(threads))]
        listed.append(row)
    return listed


def load(folder: Path, scenario: str) -> dict[str, dict]:
    """The traced entries of a scenario by label; none where the run made no such pass."""
    path = folder / FILE
    lines = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
    return {line["entry"]: line for line in lines if line["scenario"] == scenario}
