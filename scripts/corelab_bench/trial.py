"""One trial: a fresh server, its answers checked, warmed up, loaded, accounted for, checked again, stopped.

`measure` never raises for what a target does wrong; the record says it. It does let KeyboardInterrupt through, after
the server is stopped.
"""

import contextlib
import dataclasses
import datetime
import shlex
import time
from pathlib import Path

from corelab_bench import (accounting, balance, beside, crash, gil, http_check, load, repo, saturation, timed_load,
                           validity)
from corelab_bench.hiccups import Hiccups
from corelab_bench.idle import IdleClient
from corelab_bench.neighbour import neighbour
from corelab_bench.process import POLL_SECONDS, Server, StartError
from corelab_bench.scenarios import Entry, Scenario
from corelab_bench.targets import Target

# The kernel frees and maps pages a little after the last answer.
SETTLE_SECONDS = 0.2
SETTLE_LIMIT_SECONDS = 5.0
IDLE_LOOK_SECONDS = 0.02
IDLE_SHARE = 0.1


@dataclasses.dataclass(frozen=True)
class Placement:
    server: list[int]
    generator: list[int]

    @property
    def shared(self) -> bool:
        return bool(set(self.server) & set(self.generator))


@dataclasses.dataclass(frozen=True)
class Slot:
    """A trial's place in the plan. `role` is "again" for the second entry of the reference (A/A)."""

    scenario: Scenario
    entry: Entry
    block: int
    position: int
    role: str
    seconds: float
    warm_up: float


def measure(slot: Slot, target: Target, placement: Placement, bin_dir: Path = repo.DEFAULT_BIN) -> dict:
    """`bin_dir` holds corelab-load, for the trials that need it."""
    begun = time.monotonic()
    scenario = slot.scenario.of(slot.entry)
    slot = dataclasses.replace(slot, scenario=scenario)
    record = begin(slot, scenario, target, placement)
    machine = accounting.read_machine()
    try:
        with serving(slot, scenario, target, placement, bin_dir, record) as server:
            try:
                TRIALS[scenario.kind](slot, server, placement, bin_dir, record)
            except (load.LoadError, OSError) as problem:
                failed(record, problem, server)
            end(server, record)
    except StartError as problem:
        refused(record, problem)
    record["machine"] = accounting.machine_between(machine, accounting.read_machine())
    record["invalid"] = validity.GATES[scenario.kind](record, scenario.limits)
    record["took_seconds"] = round(time.monotonic() - begun, 3)
    return record


def begin(slot: Slot, scenario: Scenario, target: Target, placement: Placement) -> dict:
    """The record before anything is known but what is asked. `scenario` is the slot's as its entry meets it."""
    return {"kind": scenario.kind, "scenario": scenario.name, "entry": slot.entry.label, "target": target.name,
            "role": slot.role, "block": slot.block, "position": slot.position,
            "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "connections": scenario.load.connections, "held": scenario.load.held, "pipeline": scenario.load.pipeline,
            "server_cpus": placement.server, "generator_cpus": placement.generator}


@contextlib.contextmanager
def serving(slot: Slot, scenario: Scenario, target: Target, placement: Placement, bin_dir: Path, record: dict):
    """The entry's server while it runs, and what it asks in turn; StartError when it does not come up."""
    with (beside.upstream(scenario.upstream, bin_dir, placement.generator) as flags,
          Server(target.command, slot.entry.flags + flags, placement.server, target.folder) as server):
        record["command"] = repo.without_paths(shlex.join(server.command)).replace(str(server.scratch), "SCRATCH")
        yield server


def failed(record: dict, problem: Exception, server: Server) -> None:
    record["problem"] = f"{problem}; the server's last line: {repo.without_paths(server.last_words())}"


def refused(record: dict, problem: StartError) -> None:
    record["refused"] = record["problem"] = repo.without_paths(str(problem))


def over(record: dict) -> bool:
    """Whether nothing more is measured of it: it did not start, failed, or answers wrongly."""
    return "problem" in record or "wrong_before" in record


def end(server: Server, record: dict) -> None:
    if not server.alive():
        record["died"] = f"exit code {server.process.returncode}, {server.last_words()}"
    elif server.stop().killed:
        record["note"] = "did not stop within its grace after TERM and was killed"


def ask(server: Server, scenario: Scenario, path: str) -> http_check.Answer:
    return http_check.fetch(server.port, path, scenario.load.close, post_bytes=scenario.load.post_bytes)


def first_answers(server: Server, scenario: Scenario, record: dict) -> list[http_check.Answer]:
    """The answer of each path once the server is up, and what is wrong with them."""
    paths = scenario.load.paths

    def ready():
        try:
            return ask(server, scenario, paths[0])
        except OSError:
            return None

    answers = [server.wait_until(ready)]
    answers += [ask(server, scenario, path) for path in paths[1:]]
    wait_until_idle(server)
    record["answer_bytes"] = [answer.size for answer in answers]
    for path, answer in zip(paths, answers):
        if answer.status != 200:
            record["wrong_before"] = f"{path} has status {answer.status}"
        elif path == scenario.load.path and scenario.load.expected not in (None, answer.body.decode("latin-1")):
            record["wrong_before"] = f"{path} has the body {answer.body[:40]!r}"
    return answers


def last_answers(server: Server, scenario: Scenario, first: list[http_check.Answer], record: dict) -> None:
    for path, before in zip(scenario.load.paths, first):
        try:
            after = ask(server, scenario, path)
        except OSError as problem:
            record["wrong_after"] = f"{path}: {problem}"
            return
        if different := http_check.difference(before, after):
            record["wrong_after"] = f"{path}: {different}"


def wait_until_idle(server: Server) -> None:
    """Starting may go on after the first answer: 64 processes take a while to fork."""
    deadline = time.monotonic() + SETTLE_LIMIT_SECONDS
    used, before = float("inf"), sum(accounting.read_cpu(server.pids()).ns.values())
    while used > IDLE_SHARE * IDLE_LOOK_SECONDS * 1e9 and time.monotonic() < deadline:
        time.sleep(IDLE_LOOK_SECONDS)
        now = sum(accounting.read_cpu(server.pids()).ns.values())
        used, before = now - before, now


def wait_until_settled(server: Server, record: dict, others: int = 0) -> None:
    """A server may still work off what the warm-up left behind: a blocked loop does, for 64 times its handler.
    `others` are connections that stay."""
    deadline = time.monotonic() + SETTLE_LIMIT_SECONDS
    while accounting.unfinished(server.port) > others and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    if (left := accounting.unfinished(server.port) - others) > 0:
        record["note"] = f"{left} connections of the warm-up were still open {SETTLE_LIMIT_SECONDS:g} s after it"


def load_trial(slot: Slot, server: Server, placement: Placement, bin_dir: Path, record: dict) -> None:
    scenario = slot.scenario
    first = first_answers(server, scenario, record)
    if record.get("wrong_before"):
        return
    with beside.clients(scenario.beside, server.port, bin_dir, placement.generator, record) as others:
        measured_load(slot, server, placement, others, record)
    last_answers(server, scenario, first, record)


def memory_look(server: Server, record: dict):
    def look():
        record["memory"] = dataclasses.asdict(accounting.read_memory(server.pids()))

    return look


def warm_up(slot: Slot, scenario: Scenario, server: Server, placement: Placement, record: dict,
            others: int = 0) -> bool:
    """Whether there was one. Memory is read under its load, so that the measured time is left alone. `others` are
    connections that somebody else holds."""
    if slot.warm_up <= 0:
        return False
    looks = [(0.6, memory_look(server, record))] if scenario.memory else []
    load.run(scenario.load, server.port, slot.warm_up, placement.generator, looks, others)
    wait_until_settled(server, record, others)
    return True


def measured_load(slot: Slot, server: Server, placement: Placement, others: int, record: dict) -> None:
    scenario = slot.scenario
    record["held"] += others

    looks = []
    if not warm_up(slot, scenario, server, placement, record, others) and scenario.memory:
        looks = [(0.6, memory_look(server, record))]

    def look_at_connections():
        if not (scenario.load.close or scenario.load.reconnects):  # there may be none to see at that moment
            record["connections_established"] = accounting.established(server.port)

    switches = []

    def look_at_switches():
        switches.append((time.monotonic(), accounting.read_switches(pids)))

    pids = server.pids()
    looks = [(0.5, look_at_connections)] + looks
    if scenario.switches:
        looks = [(0.1, look_at_switches)] + looks + [(0.9, look_at_switches)]
    cpu = accounting.read_cpu(pids)
    with Hiccups(record):
        result = load.run(scenario.load, server.port, slot.seconds, placement.generator, looks, others)
    record["cpu"] = dataclasses.asdict(accounting.cpu_between(cpu, accounting.read_cpu(server.pids())))
    record["load"] = dataclasses.asdict(result)
    if switches:
        (begun, before), (ended, after) = switches
        voluntary, involuntary = accounting.switches_between(before, after)
        record["switches"] = {"voluntary": voluntary, "involuntary": involuntary, "seconds": ended - begun}


def idle_trial(slot: Slot, server: Server, placement: Placement, _: Path, record: dict) -> None:
    scenario = slot.scenario
    first = first_answers(server, scenario, record)
    if record.get("wrong_before"):
        return
    record["steps"] = []
    with IdleClient(server.port, scenario.load.path, placement.generator) as client:
        for asked in slot.entry.steps:
            held = client.hold(asked)
            time.sleep(SETTLE_SECONDS)
            memory = dataclasses.asdict(accounting.read_memory(server.pids()))
            record["steps"].append({"asked": asked, "open": held["open"], "problem": held["problem"],
                                    "established": accounting.established(server.port), **memory})
            if held["open"] < asked:
                break
    last_answers(server, scenario, first, record)


def latency_trial(slot: Slot, server: Server, placement: Placement, bin_dir: Path, record: dict) -> None:
    scenario = slot.scenario
    first = first_answers(server, scenario, record)
    if record.get("wrong_before"):
        return
    record["of_class"] = scenario.load.of_class
    before = set(server.pids())
    # Every entry of a block meets the same arrivals.
    with (beside.clients(scenario.beside, server.port, bin_dir, placement.generator, record),
          neighbour(scenario.load.neighbour, server.port, record),
          Hiccups(record)):
        record["timed"] = timed(slot, server, placement, bin_dir, timed_load.SEED + slot.block)
    if scenario.gil:
        record["gil"] = gil.read_accounts(server.port)
    if scenario.load.wrk_beside:
        wait_until_settled(server, record)
        record["wrk"] = timed_load.wrk_latency(scenario.load, server.port, slot.seconds, placement.generator)
    record["processes_ended"] = len(before - set(server.pids()))
    last_answers(server, scenario, first, record)


def sweep_trial(slot: Slot, server: Server, placement: Placement, bin_dir: Path, record: dict) -> None:
    """What a closed loop reaches, the highest rate that keeps the objective, then the times at shares of that."""
    scenario = slot.scenario
    first = first_answers(server, scenario, record)
    if record.get("wrong_before"):
        return
    before = set(server.pids())
    seed = timed_load.SEED + 100 * slot.block

    def offer(rate: float, share: float | None = None) -> dict:
        nonlocal seed
        seed += 1
        wait_until_settled(server, record)
        one = {"share": share, "rate": rate}
        machine = machine_beside(server)
        with Hiccups(one):
            one |= timed(slot, server, placement, bin_dir, seed, rate=rate)
        one["machine"] = accounting.machine_between(machine, machine_beside(server))
        record["hiccup_ms"] = max(record.get("hiccup_ms", 0.0), one["hiccup_ms"])
        return one | {"invalid": validity.sweep_load_gates(record, one, scenario.limits)}

    rejected = record["rejected"] = []
    record["steps"] = []
    record["capacity"] = closed = saturation.until_valid(lambda: offer(0.0), saturation.TRIES, rejected)
    if closed and closed["requests"]:
        record["saturation"] = saturation.search(offer, closed["achieved_rate"], scenario.load.slo_ms, rejected)
        top = record["saturation"]["rate"]
        loads = [saturation.until_valid(lambda: offer(share * top, share), saturation.STEP_TRIES, rejected)
                 for share in (scenario.load.shares if top else ())]
        record["steps"] = [load for load in loads if load is not None]
    record["processes_ended"] = len(before - set(server.pids()))
    last_answers(server, scenario, first, record)


def machine_beside(server: Server) -> accounting.Machine:
    """The machine while the server runs, whose CPU time is no foreign process's."""
    used = sum(accounting.read_cpu(server.pids()).ns.values()) / 1e9
    machine = accounting.read_machine()
    return dataclasses.replace(machine, own_seconds=machine.own_seconds + used)


def timed(slot: Slot, server: Server, placement: Placement, bin_dir: Path, seed: int, rate: float | None = None) -> dict:
    return timed_load.run(bin_dir / "corelab-load", slot.scenario.load, slot.scenario.limits, server.port, slot.seconds,
                          placement.generator, seed=seed, rate=rate, warm_up=slot.warm_up,
                          spins=not placement.shared)


def balance_trial(slot: Slot, server: Server, _: Placement, __: Path, record: dict) -> None:
    first_answers(server, slot.scenario, record)
    if not record.get("wrong_before"):
        record["workers"] = slot.scenario.load.workers
        record["openings"] = balance.openings(server.port, slot.scenario.load, slot.seconds)


def crash_trial(slot: Slot, server: Server, placement: Placement, _: Path, record: dict) -> None:
    first_answers(server, slot.scenario, record)
    if not record.get("wrong_before"):
        record["crash"] = crash.run(server, slot.scenario.load, slot.seconds, placement.generator, slot.block)


TRIALS = {"load": load_trial, "idle": idle_trial, "latency": latency_trial, "sweep": sweep_trial,
          "balance": balance_trial, "crash": crash_trial}
