"""The plan of a run: randomised blocks, the reference twice, cut to the profile's time, and what was left out.

A block is every entry of one scenario once, in random order. The blocks of all scenarios are spread evenly over the
run, so that a drift of the machine meets all of them alike and an interrupted run has some of each.
"""

import os
import random
from dataclasses import dataclass, field
from pathlib import Path

from corelab_bench import saturation
from corelab_bench.scenarios import Entry, Profile, ProfileLine, Scenario
from corelab_bench.targets import Catalogue
from corelab_bench.trial import Placement, Slot

AGAIN = "again"


@dataclass(frozen=True)
class LeftOut:
    scenario: str
    entry: str  # empty: the whole scenario
    reason: str


@dataclass
class Plan:
    blocks: list[list[Slot]]
    placements: dict[str, Placement]
    left_out: list[LeftOut] = field(default_factory=list)
    estimated_seconds: float = 0.0

    @property
    def trials(self) -> int:
        return sum(len(block) for block in self.blocks)

    @property
    def scenarios(self) -> list[Scenario]:
        """Each once, in the order in which they first come."""
        return list({slot.scenario.name: slot.scenario for block in self.blocks for slot in block}.values())


def estimate(slot: Slot) -> float:
    runs = 1
    if slot.scenario.kind == "sweep":
        runs += saturation.PROBES + len(slot.scenario.load.shares)
    elif slot.scenario.kind == "latency" and slot.scenario.load.wrk_beside:
        runs += 1
    return runs * (slot.seconds + slot.warm_up) + slot.scenario.overhead_seconds


class Pace:
    """How long trials really take: the mean so far of each scenario, a first guess before there is one."""

    def __init__(self):
        self.took: dict[str, list[float]] = {}

    def add(self, slot: Slot, seconds: float) -> None:
        self.took.setdefault(slot.scenario.name, []).append(seconds)

    def expect(self, slots: list[Slot]) -> float:
        total = 0.0
        for slot in slots:
            seen = self.took.get(slot.scenario.name, [])
            total += sum(seen) / len(seen) if len(seen) > 2 else estimate(slot)
        return total


def usable_cpus() -> list[int]:
    """CPUs this process may use, one thread of each physical core first."""
    first, rest, seen = [], [], set()
    for cpu in sorted(os.sched_getaffinity(0)):
        path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        core = path.read_text().strip() if path.exists() else str(cpu)
        (rest if core in seen else first).append(cpu)
        seen.add(core)
    return first + rest


def place(scenario: Scenario, cpus: list[int]) -> Placement | str:
    """Generator on CPUs of its own where there are enough; else shared, or the reason it cannot be measured."""
    wanted = scenario.server_cpus
    if len(cpus) >= wanted + scenario.load.threads:
        return Placement(cpus[:wanted], cpus[wanted:wanted + scenario.load.threads])
    if scenario.may_share:
        return Placement(cpus[:wanted], cpus)
    return (f"not measurable here: it needs {wanted} CPUs for the server and {scenario.load.threads} for the "
            f"generator, and this run may use {len(cpus)}")


def runnable(scenario: Scenario, catalogue: Catalogue) -> tuple[list[Entry], list[LeftOut]]:
    entries, left_out = [], []
    for entry in scenario.entries:
        target = catalogue[entry.target]
        unserved = [path for path in (entry.load or scenario.load).paths if not target.serves(path)]
        reason = target.absent or (f"it has no {unserved[0].split('?')[0]}" if unserved else "")
        if reason:
            left_out.append(LeftOut(scenario.name, entry.label, reason))
        else:
            entries.append(entry)
    return entries, left_out


def make_plan(profile: Profile, scenarios: dict[str, Scenario], catalogue: Catalogue, cpus: list[int],
              seed: int) -> Plan:
    plan = Plan([], {})
    candidates = []
    for line in profile.lines:
        scenario = scenarios[line.scenario]
        placement = place(scenario, cpus)
        if isinstance(placement, str):
            plan.left_out.append(LeftOut(scenario.name, "", placement))
            continue
        entries, left_out = runnable(scenario, catalogue)
        plan.left_out += left_out
        if not entries:
            plan.left_out.append(LeftOut(scenario.name, "", "none of its targets can run here"))
            continue
        plan.placements[scenario.name] = placement
        candidates.append((line, scenario, entries))
    listed = {line.scenario for line in profile.lines}
    elsewhere = f"not chosen (ONLY={' '.join(profile.only)})" if profile.only else f"not in the {profile.name} profile"
    plan.left_out += [LeftOut(name, "", elsewhere)
                      for name in scenarios if name not in listed]
    counts = fit(candidates, profile, plan)
    rng = random.Random(seed)
    timed = []
    for line, scenario, entries in candidates:
        blocks = counts.get(scenario.name, 0)
        timed += [((index + 0.5) / blocks, make_block(scenario, entries, line, index, rng))
                  for index in range(blocks)]
    timed.sort(key=lambda pair: pair[0])
    plan.blocks = [block for _, block in timed]
    plan.estimated_seconds = sum(estimate(slot) for block in plan.blocks for slot in block)
    return plan


def make_block(scenario: Scenario, entries: list[Entry], line: ProfileLine, index: int,
               rng: random.Random) -> list[Slot]:
    turns = [(entry, "") for entry in entries] + [(entry, AGAIN) for entry in entries
                                                  if entry.label == scenario.reference]
    rng.shuffle(turns)
    return [Slot(scenario, entry, index, position, role, line.seconds, line.warm_up)
            for position, (entry, role) in enumerate(turns)]


def fit(candidates: list, profile: Profile, plan: Plan) -> dict[str, int]:
    """Blocks per scenario within the profile's time: fewer blocks first, then the least important scenarios."""
    cost = {scenario.name: sum(map(estimate, make_block(scenario, entries, line, 0, random.Random(0))))
            for line, scenario, entries in candidates}
    kept = [line for line, _, _ in candidates]
    while kept:
        for percent in range(100, 0, -5):
            counts = {line.scenario: max(min(line.min_blocks, line.blocks), round(line.blocks * percent / 100))
                      for line in kept}
            if sum(counts[name] * cost[name] for name in counts) <= profile.seconds:
                plan.left_out += [LeftOut(line.scenario, "", f"{counts[line.scenario]} of {line.blocks} blocks: the "
                                          "time of the profile") for line in kept
                                  if counts[line.scenario] < line.blocks]
                return counts
        dropped = kept.pop()
        plan.left_out.append(LeftOut(dropped.scenario, "", "the time of the profile"))
    return {}
