"""A run: measure what the plan says, write every trial down at once, end well whatever happens.

results/<run>/ holds manifest.json (machine, versions, the plan with its scenarios as they were read), trials.ndjson
(one line a trial) and, where single requests were traced, requests.ndjson. The report is made from these and nothing
else.
"""

import dataclasses
import datetime
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from corelab_bench import (calibration, manifest, micro, repo, request_trace, resume, schedule, stop_rule, syscalls,
                           trial, turns, validity)
from corelab_bench.progress import Progress, clock
from corelab_bench.scenarios import Profile, Scenario
from corelab_bench.targets import Catalogue
from corelab_bench.trial import Slot

SPARED = "the stop rule: every interval was narrow enough"
# A trial that the machine disturbed, whatever its figures, is made again at once, so that its block keeps its pairs.
ATTEMPTS = 2


class Stopped(Exception):
    """Ctrl-C or TERM: what is done stays."""


class KeptOff:
    """Keeps this process off the servers' CPUs while it measures: its looks at /proc must not disturb them."""

    def __init__(self, cpus: list[int]):
        self.cpus = cpus

    def __enter__(self) -> None:
        self.before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.cpus[-1:])

    def __exit__(self, *_) -> None:
        os.sched_setaffinity(0, self.before)


class Interrupt:
    """The first INT or TERM raises Stopped where the run is; later ones wait until everything is stopped."""

    def __init__(self):
        self.count = 0

    def __enter__(self) -> "Interrupt":
        self.before = {number: signal.signal(number, self.arrived) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def arrived(self, *_) -> None:
        self.count += 1
        if self.count == 1:
            raise Stopped


def run(profile: Profile, scenarios: dict[str, Scenario], catalogue: Catalogue, bin_dir: Path, results: Path,
        seed: int | None, progress: Progress, interrupted: Path | None = None) -> tuple[Path, bool]:
    """Measures; returns the folder of the run and whether it came to its end. `interrupted` is a run to go on with."""
    if not shutil.which("wrk"):
        sys.exit("corelab_bench: wrk is not installed. Run `make setup`, or install the package wrk.")
    if not profile.verdicts:
        scenarios = {name: dataclasses.replace(scenario, limits=scenario.limits.without_noise_gates())
                     for name, scenario in scenarios.items()}
    now = datetime.datetime.now(datetime.timezone.utc)
    old = resume.manifest_of(interrupted) if interrupted else {}
    seed = old.get("seed", random.SystemRandom().randrange(2**32) if seed is None else seed)
    cpus = schedule.usable_cpus()
    plan = schedule.make_plan(profile, scenarios, catalogue, cpus, seed)
    folder = interrupted or results / f"{now:%Y%m%dT%H%M%SZ}-{profile.name}-{repo.commit()}"
    description = {
        "run": folder.name, "profile": profile.name, "verdicts": profile.verdicts, "only": list(profile.only),
        "commit": repo.commit(),
        "started": now.isoformat(timespec="seconds"), "seed": seed, "time_limit_seconds": profile.seconds,
        "machine": manifest.machine(bin_dir), "versions": manifest.versions(catalogue),
        "targets": manifest.targets(catalogue),
        "scenarios": [describe(scenario, plan) for scenario in plan.scenarios],
        "stop_rules": [{"scenario": line.scenario, "until": line.until, "min_blocks": line.min_blocks,
                        "blocks": line.blocks} for line in profile.lines if line.until],
        "left_out": [vars(left) for left in plan.left_out], "outcome": {"state": "running"},
    }
    before: list[dict] = []
    if interrupted:
        resume.check(old, description)
        description = resume.goes_on(old, now)
        before = resume.keep_whole_blocks(folder, plan)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "manifest.json", description)
    announce(plan, profile, folder, progress)
    begun = time.monotonic() - sum(record["took_seconds"] for record in before)
    state = "finished"
    with Interrupt(), KeptOff(cpus):
        try:
            for name, measure in (
                    ("micro", lambda: micro.measure(bin_dir, profile.micro_seconds, cpus[:1])),
                    ("syscalls", lambda: syscalls.measure(catalogue, profile.syscall_seconds, cpus[:1], cpus[-1:])),
                    ("calibration", lambda: calibration.measure(catalogue, bin_dir, profile.calibration_seconds,
                                                                cpus[:1], cpus[-1:])),
                    ("request_trace", lambda: request_trace.measure(plan.scenarios, catalogue, plan.placements,
                                                                    profile.trace_seconds, folder))):
                if name not in description:  # an interrupted run may have it
                    description[name] = measure()
            write_json(folder / "manifest.json", description)
            dropped = measure_blocks(plan, profile, catalogue, bin_dir, folder, begun, progress, before)
            description["left_out"] += [vars(left) for left in dropped]
        except Stopped:
            state = "stopped by a signal"
    progress.clear()
    description["outcome"] = {"state": state, "seconds": round(time.monotonic() - begun, 1)}
    write_json(folder / "manifest.json", description)
    progress.say(f"{state} after {clock(time.monotonic() - begun)}: {folder}")
    return folder, state == "finished"


def describe(scenario: Scenario, plan: schedule.Plan) -> dict:
    """The scenario as it is registered before the run, and where it runs."""
    placement = plan.placements[scenario.name]
    blocks = [block for block in plan.blocks if block[0].scenario.name == scenario.name]
    slot = blocks[0][0]
    return {"source": scenario.source, "blocks": len(blocks), "seconds": slot.seconds, "warm_up": slot.warm_up,
            "entries": [{"label": entry.label, "target": entry.target, "flags": list(entry.flags)}
                        for entry in scenario.entries],
            "server_cpus": placement.server, "generator_cpus": placement.generator}


def announce(plan: schedule.Plan, profile: Profile, folder: Path, progress: Progress) -> None:
    progress.say(f"corelab bench, profile {profile.name}: {plan.trials} trials in {len(plan.blocks)} blocks of "
                 f"{len(plan.scenarios)} scenarios, about {clock(plan.estimated_seconds)} (at most "
                 f"{clock(profile.seconds)}); writing {repo.without_paths(str(folder))}")
    for scenario in plan.scenarios:
        blocks = [block for block in plan.blocks if block[0].scenario.name == scenario.name]
        seconds = sum(schedule.estimate(slot) for block in blocks for slot in block)
        progress.say(f"  {scenario.name:28} {len(blocks):3} blocks of {len(blocks[0]):2} trials  {clock(seconds)}")
    for left in plan.left_out:
        if left.entry or "profile" not in left.reason:
            progress.say(f"  left out: {left.scenario}{', ' + left.entry if left.entry else ''}: {left.reason}")


def measure_blocks(plan: schedule.Plan, profile: Profile, catalogue: Catalogue, bin_dir: Path, folder: Path,
                   begun: float, progress: Progress, before: list[dict]) -> list[schedule.LeftOut]:
    """Measures block by block, those aside that the trials `before` an interruption complete; returns what was not
    measured: there was no time for it, or the stop rule spared it."""
    done = 0
    rules = {line.scenario: line for line in profile.lines}
    measured: dict[str, list[dict]] = {}
    spared: dict[str, int] = {}
    pace = schedule.Pace()
    refusals: dict[tuple[str, str], int] = {}
    unmeasured: dict[str, int] = {}
    kept = resume.by_block(before)
    with open(folder / "trials.ndjson", "a") as trials:
        for index, block in enumerate(plan.blocks):
            name = block[0].scenario.name
            if old := kept.get((name, block[0].block)):
                measured.setdefault(name, []).extend(old)
                done += len(block)
                continue
            if stop_rule.met(block[0].scenario.source, measured.get(name, []), rules[name].until,
                             rules[name].min_blocks):
                spared[name] = spared.get(name, 0) + 1
                done += len(block)
                continue
            if time.monotonic() - begun + pace.expect(block) > profile.seconds:
                unmeasured[name] = unmeasured.get(name, 0) + 1
                continue
            later = [slot for block in plan.blocks[index + 1:] for slot in block]
            for slots in together(block):
                left = min(pace.expect(block[slots[0].position:] + later), profile.seconds - time.monotonic() + begun)
                who = slots[0].entry.label if len(slots) == 1 else f"{len(slots)} servers by turns"
                progress.update(done + 1, plan.trials, left, f"{name}: {who} (block {block[0].block + 1})")
                done += len(slots)
                for attempt in range(1, ATTEMPTS + 1):
                    slots = [slot for slot in slots if refusals.get((name, slot.entry.label), 0) < resume.MAX_REFUSALS]
                    records = measure_together(slots, catalogue, plan.placements[name], bin_dir)
                    for slot, record in zip(slots, records):
                        record["attempt"] = attempt
                        trials.write(json.dumps(record) + "\n")
                        key = (name, slot.entry.label)
                        refusals[key] = refusals.get(key, 0) + 1 if record.get("refused") else 0
                        pace.add(slot, record["took_seconds"])
                    trials.flush()
                    measured.setdefault(name, []).extend(records)
                    if not any(disturbed(record, block[0].scenario) for record in records):
                        break
    return [schedule.LeftOut(name, "", f"its last {'block' if count == 1 else f'{count} blocks'}: {why}")
            for counts, why in ((unmeasured, "no time was left"), (spared, SPARED)) for name, count in counts.items()]


def together(block: list[Slot]) -> list[list[Slot]]:
    """The slots of a block that are measured at once: all of them by turns, else each by itself."""
    return [block] if block[0].scenario.slice_seconds else [[slot] for slot in block]


def measure_together(slots: list[Slot], catalogue: Catalogue, placement: trial.Placement, bin_dir: Path) -> list[dict]:
    if slots and slots[0].scenario.slice_seconds:
        return turns.measure(slots, catalogue, placement, bin_dir)
    return [trial.measure(slot, catalogue[slot.entry.target], placement, bin_dir) for slot in slots]


def disturbed(record: dict, scenario: Scenario) -> bool:
    return bool(record["invalid"] and validity.machine_gates(record, scenario.limits))


def write_json(path: Path, content: dict) -> None:
    """Replaces the file in one step, so that an interruption leaves the old one or the new one."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    temporary.replace(path)
