"""The lessons: prediction, figure, mechanism, and the command that reruns it. Every sentence with a number is made here.
"""

import re
from dataclasses import dataclass

from corelab_bench import wording
from corelab_bench.scenarios import TimedLoad
from corelab_bench.summary import Row, ScenarioSummary, Summary


@dataclass(frozen=True)
class Lesson:
    message: str  # the finding, as a title
    prediction: str
    mechanism: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    figure: str
    scenario: ScenarioSummary
    profile: str

    @property
    def command(self) -> str:
        return f"make bench PROFILE={self.profile} ONLY={self.scenario.name}"


def all_lessons(run: Summary) -> list[Lesson]:
    made = (make(run) for make in (stall, starvation, latency_against_load))
    return [lesson for lesson in made if lesson is not None]


def timed_rows(scenario: ScenarioSummary | None) -> list[Row]:
    return [row for row in scenario.rows if row.measured and row.timed("requests")] if scenario else []


def milliseconds(row: Row, *path: str) -> str:
    return wording.interval(row.timed(*path), " ms")


def mean(row: Row, *path: str) -> float:
    return row.timed(*path).value


# --- A blocking handler stalls a loop ---

def stall(run: Summary) -> Lesson | None:
    scenario = run.scenario("stall")
    rows = timed_rows(scenario)
    reference = next((row for row in rows if scenario and row.label == scenario.reference), None)
    if reference is None or len(rows) < 2:
        return None
    tail = ("classes", "fast", "response_ms", "p99")
    best = min(rows, key=lambda row: mean(row, *tail))
    message = (f"One request in twenty that blocks: the others' 99th percentile is "
               f"{wording.number(mean(reference, *tail))} ms on {reference.label}, {wording.number(mean(best, *tail))} ms "
               f"on {best.label}")
    load = TimedLoad(**scenario.source["load"])
    predicted = mean_wait_ms(load)
    measured = mean(reference, "classes", "fast", "response_ms", "mean")
    prediction = (f"{scenario.hypothesis['text']} A queue with one server and Poisson arrivals "
                  f"(Pollaczek and Khinchine: λ·E[S²] / 2(1 − ρ)) lets a quick request on a loop wait "
                  f"{wording.number(predicted)} ms on the average; measured on {reference.label}: "
                  f"{wording.number(measured)} ms.")
    table = [(row.label, milliseconds(row, "classes", "fast", "response_ms", "p50"), milliseconds(row, *tail),
              milliseconds(row, "classes", "fast", "response_ms", "mean"),
              milliseconds(row, "classes", "slow", "response_ms", "p50"), wording.interval(row.timed("mean_in_flight")))
             for row in rows]
    return Lesson(message, prediction, scenario.hypothesis["because"],
                  ("", "quick: p50", "quick: p99", "quick: mean", "blocking: p50", "in flight"), table, "stall.svg",
                  scenario, run.manifest["profile"])


def mean_wait_ms(load: TimedLoad) -> float:
    """The mean wait in a queue with one server, Poisson arrivals, and the classes' own times as service times."""
    shares, times = [], []
    for text in load.classes.values():
        weight, _, path = text.partition(":")
        blocked = re.search(r"[?&]ms=(\d+)", path)
        shares.append(float(weight))
        times.append(int(blocked[1]) / 1e3 if blocked else 0.0)
    shares = [share / sum(shares) for share in shares]
    first = sum(share * time for share, time in zip(shares, times))
    second = sum(share * time**2 for share, time in zip(shares, times))
    return 1e3 * load.rate * second / 2 / (1 - load.rate * first)


# --- Idle keep-alives starve a pool ---

def starvation(run: Summary) -> Lesson | None:
    scenario = run.scenario("starvation")
    rows = timed_rows(scenario)
    if not rows:
        return None
    connections = scenario.source["load"]["connections"]
    worst = max(rows, key=lambda row: mean(row, "starved_connections"))
    message = (f"{worst.label}: {mean(worst, 'starved_connections'):.0f} of {connections} clients are never answered, "
               f"and wrk prints a 99th percentile of {wording.number(wrk(worst, 'p99_ms'))} ms")
    table = [(row.label, f"{wording.interval(row.timed('starved_connections'))} of {connections}",
              wording.share(mean(row, "unanswered") / mean(row, "due")), f"{at_least(row)}"
              f"{milliseconds(row, 'response_ms', 'p99')}", f"{wording.number(wrk(row, 'p99_ms'))} ms",
              f"{wording.number(wrk(row, 'rate'))}/s") for row in rows]
    return Lesson(message, scenario.hypothesis["text"], scenario.hypothesis["because"],
                  ("", "clients never answered", "requests never answered", "p99 by corelab-load, of all requests",
                   "p99 by wrk, of answers", "rate by wrk"), table, "starvation.svg", scenario,
                  run.manifest["profile"])


def wrk(row: Row, figure: str) -> float | None:
    return row.median(lambda trial: trial.get("wrk", {}).get(figure))


def at_least(row: Row) -> str:
    """A percentile that unanswered requests reach into is a lower bound."""
    return "at least " if mean(row, "unanswered") > 0.01 * mean(row, "due") else ""


# --- Latency against offered load ---

def latency_against_load(run: Summary) -> Lesson | None:
    scenario = run.scenario("latency-against-load")
    rows = [row for row in scenario.rows if row.measured and row.trials] if scenario else []
    if not rows:
        return None
    shares = scenario.source["load"]["shares"]
    near = TimedLoad(**scenario.source["load"]).near_capacity
    tails = {row.label: step_figure(row, near, "p99") for row in rows}
    tails = {label: tail for label, tail in tails.items() if tail is not None}
    best, worst = min(tails, key=tails.get), max(tails, key=tails.get)
    message = (f"At {near:.0%} of what each can do, the 99th percentile is {wording.number(tails[best])} ms on {best}, "
               f"{wording.number(tails[worst])} ms on {worst}")
    table = [(row.label, wording.interval(row.estimate("throughput"), "/s"),
              *(f"{wording.number(step_figure(row, share, 'p50'))} / {wording.number(step_figure(row, share, 'p99'))}"
                for share in shares)) for row in rows]
    return Lesson(message, scenario.hypothesis["text"], scenario.hypothesis["because"],
                  ("p50 / p99 in ms at this share of its capacity", "capacity", *(f"{share:.0%}" for share in shares)),
                  table, "latency-against-load.svg", scenario, run.manifest["profile"])


def step_figure(row: Row, share: float, name: str) -> float | None:
    """The median over trials of a percentile at one offered share."""
    return row.median(lambda trial: next((step["response_ms"][name] for step in trial["steps"]
                                          if step["share"] == share), None))
