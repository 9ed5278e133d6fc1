"""A block whose servers all run, and are loaded by turns: a slice of the load each, in a new random order every turn.

The speed of a shared machine drifts within seconds. Slices of a fraction of a second meet it alike; whole trials, each
behind the start of its own server, do not. A server that waits for its turn has no connection and no work.
"""

import contextlib
import dataclasses
import random
import time
from pathlib import Path

from corelab_bench import accounting, load, trial, validity
from corelab_bench.hiccups import Hiccups
from corelab_bench.process import Server, StartError
from corelab_bench.targets import Catalogue
from corelab_bench.trial import Placement, Slot


def measure(block: list[Slot], catalogue: Catalogue, placement: Placement, bin_dir: Path) -> list[dict]:
    """A record of each slot, as of a trial; `turns` has its slices. Never raises for what a target does wrong."""
    begun = time.monotonic()
    machine = accounting.read_machine()
    turns = max(1, round(block[0].seconds / block[0].scenario.slice_seconds))
    # The order of the block came from the run's seed; that of each turn follows from it.
    order = random.Random(repr([(slot.entry.label, slot.role, slot.block) for slot in block]))
    members = [Member(slot, catalogue, placement, bin_dir) for slot in block]
    with contextlib.ExitStack() as servers:
        for member in members:
            member.attempt(lambda: member.start(servers))
        for _ in range(turns):
            for member in order.sample(members, len(members)):
                member.attempt(lambda: member.take_turn(block[0].seconds / turns))
        for member in members:
            member.attempt(member.answer_again)
            member.end()
    used = accounting.machine_between(machine, accounting.read_machine())
    took = round((time.monotonic() - begun) / len(block), 3)
    pauses = [member.record["hiccup_ms"] for member in members if "hiccup_ms" in member.record]
    for member in members:
        # A pause spoils the whole block's pairing, whoever's slice it fell in.
        member.record |= {"machine": used, "took_seconds": took} | ({"hiccup_ms": max(pauses)} if pauses else {})
        member.record["invalid"] = validity.GATES["load"](member.record, member.scenario.limits)
    return [member.record for member in members]


class Member:
    """One server of the block and what is known of it. Once it has a problem, it is left alone."""

    def __init__(self, slot: Slot, catalogue: Catalogue, placement: Placement, bin_dir: Path):
        self.slot, self.scenario = slot, slot.scenario.of(slot.entry)
        self.target = catalogue[slot.entry.target]
        self.placement, self.bin_dir = placement, bin_dir
        self.record = trial.begin(self.slot, self.scenario, self.target, placement) | {"turns": []}
        self.server: Server | None = None

    def attempt(self, step) -> None:
        if trial.over(self.record):
            return
        try:
            step()
        except StartError as problem:
            trial.refused(self.record, problem)
        except (load.LoadError, OSError) as problem:
            trial.failed(self.record, problem, self.server)

    def start(self, servers: contextlib.ExitStack) -> None:
        self.server = servers.enter_context(trial.serving(self.slot, self.scenario, self.target, self.placement,
                                                          self.bin_dir, self.record))
        self.first = trial.first_answers(self.server, self.scenario, self.record)
        if not trial.over(self.record):
            trial.warm_up(self.slot, self.scenario, self.server, self.placement, self.record)

    def take_turn(self, seconds: float) -> None:
        pids = self.server.pids()
        established = []
        looks = [(0.5, lambda: established.append(accounting.established(self.server.port)))]
        cpu = accounting.read_cpu(pids)
        with Hiccups(self.record):
            result = load.run(self.scenario.load, self.server.port, seconds, self.placement.generator, looks)
        used = accounting.cpu_between(cpu, accounting.read_cpu(self.server.pids()))
        self.record["turns"].append({"requests": result.requests, "seconds": result.seconds, "cpu_ns": used.total_ns})
        self.record["load"] = added(self.record.get("load"), dataclasses.asdict(result))
        self.record["cpu"] = added(self.record.get("cpu"), dataclasses.asdict(used))
        if not (self.scenario.load.close or self.scenario.load.reconnects):
            self.record["connections_established"] = min(self.record.get("connections_established", established[0]),
                                                         established[0])

    def answer_again(self) -> None:
        trial.last_answers(self.server, self.scenario, self.first, self.record)

    def end(self) -> None:
        if self.server and "refused" not in self.record:
            trial.end(self.server, self.record)


def added(sum_so_far: dict | None, one: dict) -> dict:
    if sum_so_far is None:
        return one
    return {key: added(sum_so_far[key], value) if isinstance(value, dict) else sum_so_far[key] + value
            for key, value in one.items()}
