"""`make advise`: which core for this load? Asks what a request does, measures the candidates under exactly that, and
names one with its margin, what would turn the answer, and the command that serves it.
"""

import argparse
import dataclasses
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from corelab_bench import accounting, analysis, http_check, repo, schedule, timed_load, wording
from corelab_bench.load import LoadError
from corelab_bench.need import QUESTIONS, Need, describe, load_of, parse_need
from corelab_bench.process import Server, StartError
from corelab_bench.progress import Progress
from corelab_bench.scenarios import Limits, TimedLoad
from corelab_bench.targets import Catalogue
from corelab_bench.trial import Placement

ROUNDS = 3
SECONDS = 1.0
SHARES = (0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.35, 0.2, 0.1)  # of what a closed loop reaches, until the target is kept
VARIATIONS = (("waiting time", "wait_ms"), ("CPU time", "cpu_us"), ("connections", "connections"))
FACTOR = 4
MOST_PROCESSES = 128  # of a core with a process for each connection
MOST_THREADS = 512
NOISE = analysis.Band(1.03, 1.06)
LIMITS = Limits(max_lag_ms=5.0)
GUESSED_LOADS = 3  # a measurement takes, before there is a first one to tell


@dataclass(frozen=True)
class Candidate:
    label: str
    core: str
    flags: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        return " ".join(("build/bin/corelab serve --core", self.core, *self.flags))


@dataclass(frozen=True)
class Found:
    """One measurement of a candidate: the highest rate at which the target was kept; 0 when it was at none."""

    rate: float
    p99_ms: float | None
    pss_bytes: int


@dataclass
class Advice:
    rows: list[tuple[Candidate, list[Found]]]  # best first
    left_out: list[tuple[str, str]] = field(default_factory=list)
    best: Candidate | None = None
    next: Candidate | None = None
    margin: analysis.Interval | None = None
    is_clear: bool = False
    turns: list[str] = field(default_factory=list)


# --- Who comes into question ---

def candidates(need: Need, cores: list) -> tuple[list[Candidate], list[tuple[str, str]]]:
    """Every core that can serve this at all, and why the others cannot. `cores` are targets."""
    chosen, left_out = [], []
    threads = min(need.connections, MOST_THREADS)
    for core in cores:
        is_process = "process" in core.model
        if (need.isolation or need.gil) and not is_process:
            left_out.append((core.name, "it has one process: no isolation" if need.isolation else
                             "its threads would share one interpreter lock"))
        elif core.waiting == "blocking" and is_process and need.connections > MOST_PROCESSES:
            left_out.append((core.name, f"a process for each of {need.connections} connections"))
        elif core.waiting == "evented":
            chosen.append(Candidate(core.name, core.name))
            if need.blocks and need.wait_ms > 0:
                chosen.append(Candidate(f"{core.name} with helper threads", core.name, ("--offload", str(threads))))
        elif core.name == "thread-per-connection":
            chosen.append(Candidate(core.name, core.name))
        else:
            chosen.append(Candidate(core.name, core.name, ("--workers", str(threads))))
    return chosen, left_out


# --- What is measured ---

class Bench:
    """Measures one candidate under one load, its server freshly started."""

    def __init__(self, catalogue: Catalogue, bin_dir: Path, placement: Placement, seconds: float):
        self.catalogue, self.bin_dir, self.placement, self.seconds = catalogue, bin_dir, placement, seconds

    def __call__(self, candidate: Candidate, need: Need, seed: int) -> Found | str:
        target = self.catalogue[candidate.core]
        load = load_of(need)
        flags = candidate.flags + ("--worker-connections", str(need.connections + 100))
        if target.model.startswith("blocking") and "process" in target.model:
            flags = candidate.flags
        try:
            with Server(target.command, flags, self.placement.server, target.folder) as server:
                server.wait_until(lambda: http_check.answers(server.port, load.path))
                return self.search(server, load, need, seed)
        except (StartError, LoadError, OSError) as problem:
            return repo.without_paths(str(problem))

    def search(self, server: Server, load: TimedLoad, need: Need, seed: int) -> Found:
        closed = self.run(server, load, 0.0, seed)
        pss = accounting.read_memory(server.pids()).pss_bytes
        if need.p99_ms == 0:
            return Found(closed["achieved_rate"], closed["response_ms"]["p99"], pss)
        for share in SHARES:
            step = self.run(server, load, share * closed["achieved_rate"], seed)
            p99 = step["response_ms"]["p99"]
            if p99 is not None and p99 <= need.p99_ms and not step["invalid"]:
                return Found(step["achieved_rate"], p99, pss)
        return Found(0.0, None, pss)

    def run(self, server: Server, load: TimedLoad, rate: float, seed: int) -> dict:
        return timed_load.run(self.bin_dir / "corelab-load", load, LIMITS, server.port, self.seconds,
                              self.placement.generator, seed=seed, rate=rate, warm_up=0.2)


# --- What follows ---

def advise(need: Need, chosen: list[Candidate], measure: Callable[[Candidate, Need, int], Found | str],
           rounds: int = ROUNDS, seed: int = 1, say: Callable[[int, int, str], None] = lambda *_: None) -> Advice:
    """Rounds of every candidate in random order, so that a drift of the machine meets all alike."""
    advice = Advice([])
    found: dict[Candidate, list[Found]] = {candidate: [] for candidate in chosen}
    total = rounds * len(chosen) + 2 * 2 * len(VARIATIONS)
    order = random.Random(seed)
    done = 0
    for block in range(rounds):
        for candidate in order.sample(chosen, len(chosen)):
            done += 1
            if candidate not in found:
                continue
            say(done, total, candidate.label)
            result = measure(candidate, need, seed + block)
            if isinstance(result, Found) and need.memory_mib and result.pss_bytes > need.memory_mib * 2**20:
                result = f"it takes {wording.size(result.pss_bytes)}, more than {need.memory_mib:g} MiB"
            if isinstance(result, str):
                advice.left_out.append((candidate.label, result))
                del found[candidate]
            else:
                found[candidate].append(result)
    for candidate in [one for one, results in found.items() if not all(result.rate for result in results)]:
        advice.left_out.append((candidate.label, f"no load that was tried keeps 99 of 100 within {need.p99_ms:g} ms"))
        del found[candidate]
    advice.rows = sorted(found.items(), key=lambda row: -mean_rate(row[1]))
    if not advice.rows:
        return advice
    advice.best = advice.rows[0][0]
    if len(advice.rows) > 1:
        advice.next = advice.rows[1][0]
        advice.margin = ratio(found[advice.best], found[advice.next])
        advice.is_clear = analysis.compare_word(advice.margin, NOISE) == "ahead"
        advice.turns = what_turns_it(need, advice.best, advice.next, measure, seed,
                                     lambda index, text: say(rounds * len(chosen) + index, total, text))
    return advice


def mean_rate(results: list[Found]) -> float:
    return analysis.geometric(result.rate for result in results).value


def ratio(ahead: list[Found], behind: list[Found]) -> analysis.Interval | None:
    return analysis.paired_ratio(*({block: result.rate for block, result in enumerate(results)}
                                   for results in (ahead, behind)))


def what_turns_it(need: Need, best: Candidate, second: Candidate, measure, seed: int, say) -> list[str]:
    """Measures the two best with a quarter and four times of each thing that a workload may be wrong about."""
    turns, index = [], 0
    for words, name in VARIATIONS:
        value = getattr(need, name)
        for factor in (1 / FACTOR, FACTOR):
            index += 2
            varied = type(value)(value * factor)
            if varied <= 0 or varied == value or name == "connections" and varied > 5000:
                continue
            changed = dataclasses.replace(need, **{name: varied})
            say(index, f"{words} × {factor:g}")
            results = [measure(candidate, changed, seed) for candidate in (best, second)]
            rates = [result.rate if isinstance(result, Found) else 0.0 for result in results]
            if rates[1] > rates[0] * NOISE.factor:
                times = f"{rates[1] / rates[0]:.2f}×" if rates[0] else "which then keeps no target at all:"
                turns.append(f"with {factor:g}× the {words} ({varied:g}) {second.label} is ahead, {times} {best.label}")
    return turns


def text_of(need: Need, advice: Advice) -> str:
    lines = [describe(need), ""]
    if not advice.rows:
        lines.append("No core can do that here.")
    else:
        goal = f"requests a second, p99 within {need.p99_ms:g} ms" if need.p99_ms else "requests a second, closed loop"
        width = max(len(candidate.label) for candidate, _ in advice.rows)
        lines.append(f"{'core'.ljust(width)}  {goal:>42}  {'p99':>10}  {'memory':>9}")
        for candidate, results in advice.rows:
            middle = sorted(results, key=lambda result: result.rate)[len(results) // 2]
            rate = analysis.geometric(result.rate for result in results)
            lines.append(f"{candidate.label.ljust(width)}  {wording.interval(rate):>42}  "
                         f"{wording.number(middle.p99_ms) + ' ms':>10}  {wording.size(middle.pss_bytes):>9}")
        lines += ["", *verdict(advice)]
    lines += [f"Left out: {label}: {reason}" for label, reason in advice.left_out]
    return "\n".join(lines) + "\n"


def verdict(advice: Advice) -> list[str]:
    if advice.next is None:
        lines = [f"Take {advice.best.label}: no other core fits."]
    elif advice.is_clear:
        lines = [f"Take {advice.best.label}: {wording.interval(advice.margin, '×')} of the next, {advice.next.label}."]
    else:
        lines = [f"Take {advice.best.label} or {advice.next.label}: the margin, {wording.interval(advice.margin, '×')}, "
                 "is inside the noise of this machine. Choose by what else they teach: `corelab cores`."]
    if advice.next is not None:
        lines += [f"It turns: {turn}." for turn in advice.turns] or [
            f"A quarter and four times of the waiting, the CPU time and the connections were tried: "
            f"{advice.best.label} stays ahead of {advice.next.label}."]
    return lines + ["", f"  {advice.best.command}", ""]


# --- The command ---

def add_arguments(parser: argparse.ArgumentParser) -> None:
    for field_ in dataclasses.fields(Need):
        parser.add_argument("--" + field_.name.replace("_", "-"), dest=field_.name, metavar="VALUE",
                            help=QUESTIONS[field_.name].replace("%", "%%"))
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of every candidate (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each load (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the advice here as well")
    parser.add_argument("--bin-dir", type=Path, default=repo.DEFAULT_BIN, metavar="DIR", help="default: build/bin")


def command(arguments: argparse.Namespace) -> int:
    from corelab_bench.targets import load_catalogue

    need = parse_need(arguments, input if sys.stdin.isatty() else None)
    catalogue = load_catalogue(arguments.bin_dir.resolve(), repo.PEERS)
    chosen, left_out = candidates(need, [core for core in catalogue.of_kind("core") if not core.absent])
    if not chosen:
        raise ValueError("no core is built, or none fits: `make`, then `build/bin/corelab cores`")
    cpus = schedule.usable_cpus()
    placement = Placement(cpus[:-1] or cpus, cpus[-1:])
    progress = Progress()
    progress.say(f"{describe(need)}\nMeasuring {len(chosen)} candidates in {arguments.rounds} rounds.")
    begun = time.monotonic()

    def say(done: int, total: int, what: str) -> None:
        pace = (time.monotonic() - begun) / (done - 1) if done > 1 else GUESSED_LOADS * arguments.seconds
        progress.update(done, total, (total - done + 1) * pace, what)

    bench = Bench(catalogue, arguments.bin_dir.resolve(), placement, arguments.seconds)
    advice = advise(need, chosen, bench, arguments.rounds, say=say)
    advice.left_out = left_out + advice.left_out
    progress.clear()
    print(text_of(need, advice), end="")
    if arguments.json:
        arguments.json.write_text(json.dumps(as_json(need, advice), indent=1) + "\n")
    return 0


def as_json(need: Need, advice: Advice) -> dict:
    return {"need": dataclasses.asdict(need), "best": advice.best and advice.best.label,
            "command": advice.best and advice.best.command, "next": advice.next and advice.next.label,
            "margin": advice.margin and dataclasses.asdict(advice.margin), "is_clear": advice.is_clear,
            "turns": advice.turns, "left_out": advice.left_out,
            "rows": [{"label": candidate.label, "found": [dataclasses.asdict(one) for one in results]}
                     for candidate, results in advice.rows]}
