"""Your situation, the core to take for it, the evidence, and what breaks that core. Nothing here is an opinion:

A situation names the measurements that decide it, in order. Each keeps the core with the best figure and those that
are not shown to be behind it (or, with `at_most`, those that keep a limit). Of what is left the simplest is taken, in
the order of `SIMPLEST`, and the others stand beside it. Where this run lacks the first measurement nothing is taken; a
later one that it lacks decides nothing, and the table says so.

Where a crash must stay alone, only cores are asked that were at full service again after every kill of this run. A run
without kills goes by the model: those with processes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from corelab_bench import analysis, wording
from corelab_bench.lessons import processes, starvation
from corelab_bench.lessons.lesson import mean, timed_rows
from corelab_bench.summary import Row, ScenarioSummary, Summary, metric_name, oriented

# Fewest moving parts first: of equals one takes what is easiest to understand at three in the morning.
SIMPLEST = ("event-loop", "thread-per-connection", "thread-pool", "multi-reactor", "prefork", "prefork-evented",
            "thread-pool-handoff")
LEAST_KINDS = 2  # fewer candidates compare nothing


@dataclass(frozen=True)
class Criterion:
    scenarios: tuple[str, ...]  # the first of them that the run has
    at_most: float | None = None  # good enough, instead of the best


@dataclass(frozen=True)
class Situation:
    text: str
    criteria: tuple[Criterion, ...]
    model_lacks: str = ""  # only cores whose model does not say so
    survives: bool = False  # only cores of which a crash takes one worker


@dataclass(frozen=True)
class Decision:
    situation: str
    take: str  # empty where nothing was measured
    beside: list[str]  # not shown to be behind it
    evidence: str
    breaks: str


CHEAPEST = Criterion(("json", "plaintext"))
SITUATIONS = (
    Situation("A JSON API over a fast cache: answers at once", (CHEAPEST,)),
    Situation("An API that waits 50 ms on upstreams, with a client that can wait on a loop",
              (Criterion(("upstream-wait", "sleep")), CHEAPEST)),
    Situation("A CPU-heavy image service, on several CPUs", (Criterion(("cpu-1ms", "cpu")),),
              model_lacks="one thread"),
    Situation("10,000 mostly idle clients", (Criterion(("idle-memory",), at_most=1024), CHEAPEST)),
    Situation("A blocking legacy library", (Criterion(("block",)), Criterion(("stall",)))),
    Situation("The same, and a worker may crash without taking the others along",
              (Criterion(("block",)), Criterion(("stall",))), survives=True),
)


def all_decisions(run: Summary) -> list[Decision]:
    return [decide(situation, run) for situation in SITUATIONS]


def decide(situation: Situation, run: Summary) -> Decision:
    left: list[str] | None = None
    evidence = []
    survivors, kills = after_kills(run) if situation.survives else (None, "")
    for criterion in situation.criteria:
        if left is None and evidence:
            break
        scenario = next(filter(None, map(run.scenario, criterion.scenarios)), None)
        rows = candidates(situation, scenario, run) if scenario and run.verdicts else []
        rows = [row for row in rows if (left is None or row.label in left) and
                (survivors is None or row.target in survivors)]
        if len(rows) < (LEAST_KINDS if left is None and survivors is None else 1):
            evidence.append(f"{' or '.join(f'`{name}`' for name in criterion.scenarios)}: not measured in this run")
            continue
        kept = keep(rows, scenario, criterion)
        if not kept:
            evidence.append(f"`{scenario.name}`: no core is shown to keep {limit(scenario, criterion)}")
            continue
        left = [row.label for row in kept]
        evidence.append(evidence_of(scenario, criterion, rows, kept))
    evidence += [kills] if kills else []
    if not left:
        return Decision(situation.text, "", [], "; ".join(evidence), "–")
    left.sort(key=lambda label: (SIMPLEST.index(label) if label in SIMPLEST else len(SIMPLEST), label))
    return Decision(situation.text, left[0], left[1:], "; ".join(evidence), what_breaks(left[0], run))


def is_core(row: Row, run: Summary) -> bool:
    return run.manifest["targets"].get(row.target, {}).get("kind") == "core"


def after_kills(run: Summary) -> tuple[set[str], str]:
    """The cores that were at full service again after every kill, and what a kill cost each, in words."""
    scenario = run.scenario("crash")
    rows = [row for row in processes.crash_rows(scenario) if is_core(row, run)] if run.verdicts else []
    if len(rows) < LEAST_KINDS:
        return ({name for name, target in run.manifest["targets"].items() if "process" in target.get("model", "")},
                "`crash`: not measured in this run, by their model cores of processes")
    costs = [f"{row.label} loses {processes.lost_share(row):.1%} of the requests, full service: "
             f"{processes.recovered(row)}" for row in rows]
    return {row.target for row in rows if processes.always_recovers(row)}, f"`crash`, a worker killed: {'; '.join(costs)}"


def candidates(situation: Situation, scenario: ScenarioSummary, run: Summary) -> list[Row]:
    """Cores and their variants with a valid row: no floor, no peer."""
    def fits(row: Row) -> bool:
        model = run.manifest["targets"].get(row.target, {}).get("model", "")
        return (is_core(row, run) and row.measured and row.estimate(scenario.compare) is not None
                and not (situation.model_lacks and situation.model_lacks in model))
    return [row for row in scenario.rows if fits(row)]


def keep(rows: list[Row], scenario: ScenarioSummary, criterion: Criterion) -> list[Row]:
    if criterion.at_most is not None:
        return [row for row in rows
                if analysis.limit_word(row.estimate(scenario.compare), criterion.at_most, None) == "met"]
    best = first(rows, scenario)
    return [row for row in rows if row is best or
            analysis.compare_word(oriented(scenario.compare, row, best), scenario.band) != "behind"]


def first(rows: list[Row], scenario: ScenarioSummary) -> Row:
    """The best figure within the blocks: by the ratio to the reference, which is paired."""
    return max(rows, key=lambda row: row.ratio.value if row.ratio else 0.0)


def limit(scenario: ScenarioSummary, criterion: Criterion) -> str:
    form = wording.size if scenario.compare == "bytes_per_connection" else wording.number
    return f"at most {form(criterion.at_most)}"


def evidence_of(scenario: ScenarioSummary, criterion: Criterion, rows: list[Row], kept: list[Row]) -> str:
    best = first(kept, scenario)
    text = (f"`{scenario.name}`, {metric_name(scenario.compare)}: {wording.absolute(best, scenario.compare)} on "
            f"{best.label}")
    if criterion.at_most is not None:
        return f"{text}; {len(kept)} of {len(rows)} keep {limit(scenario, criterion)}"
    behind = [row for row in rows if row not in kept]
    if not behind:
        return f"{text}; none of {len(rows)} is shown to be behind it"
    nearest = max(behind, key=lambda row: oriented(scenario.compare, row, best).value)
    return (f"{text}; behind: {wording.names([row.label for row in behind])} (the nearest "
            f"{wording.interval(oriented(scenario.compare, nearest, best), '×')})")


def what_breaks(label: str, run: Summary) -> str:
    text, figure = BREAKS.get(label, (f"see the lessons for {label}", None))
    said = figure(run) if figure is not None else None
    return f"{text} ({said})" if said else text


def stalled(label: str) -> Callable[[Summary], str | None]:
    def figure(run: Summary) -> str | None:
        scenario = run.scenario("stall")
        row = next((row for row in timed_rows(scenario) if row.label == label), None)
        return row and (f"{slow_share(scenario):.0%} of the requests that block make the others' 99th percentile "
                        f"{wording.number(mean(row, 'classes', 'fast', 'response_ms', 'p99'))} ms")
    return figure


def slow_share(scenario: ScenarioSummary) -> float:
    weights = {name: float(text.partition(":")[0]) for name, text in scenario.source["load"]["classes"].items()}
    return weights["slow"] / sum(weights.values())


def memory_of_a_connection(run: Summary) -> str | None:
    scenario = run.scenario("idle-memory")
    row = scenario.row("thread-per-connection") if scenario else None
    value = row.estimate("bytes_per_connection") if row and row.measured else None
    return value and f"{wording.size(value.value)} and a thread for each, idle or not"


def starved(run: Summary) -> str | None:
    row = max(timed_rows(run.scenario("starvation")), key=lambda row: mean(row, "starved_connections"), default=None)
    return row and (f"{row.label}: {mean(row, 'starved_connections'):.0f} of "
                    f"{run.scenario('starvation').source['load']['connections']} clients are never answered, while wrk "
                    f"prints a 99th percentile of {wording.number(starvation.wrk(row, 'p99_ms'))} ms")


def handed_over(run: Summary) -> str | None:
    scenario = run.scenario("plaintext")
    rows = [scenario.row(label) for label in ("thread-pool-handoff", "event-loop")] if scenario else []
    if not rows or not all(row is not None and row.measured for row in rows):
        return None
    ratio = analysis.paired_ratio(*(row.values.get("cpu_us", {}) for row in rows))
    return ratio and f"a plain answer costs {wording.interval(ratio, '×')} of event-loop's CPU time"


def memory_of_processes(run: Summary) -> str | None:
    scenario = run.scenario("plaintext")
    row = scenario.row("prefork") if scenario else None
    if row is None or not row.measured or not row.memory("pss_bytes"):
        return None
    return (f"{wording.size(row.memory('pss_bytes'))} for {wording.count(row.memory('processes'), 'process')} that do "
            "nothing else")


BLOCKED = "A handler that blocks or computes long: everybody else on that loop waits"
BREAKS: dict[str, tuple[str, Callable[[Summary], str | None] | None]] = {
    "event-loop": (BLOCKED, stalled("event-loop")),
    "multi-reactor": (BLOCKED, stalled("multi-reactor")),
    "prefork-evented": (BLOCKED, stalled("prefork-evented")),
    "thread-per-connection": ("Very many connections", memory_of_a_connection),
    "thread-pool": ("More connections that are held open than threads", starved),
    "thread-pool-handoff": ("Very cheap answers: each crosses from the reactor to a thread", handed_over),
    "prefork": ("More connections at once than processes, and what processes take", memory_of_processes),
    "event-loop + 64 helper threads": ("More blocking calls at once than helpers: they queue", None),
}
