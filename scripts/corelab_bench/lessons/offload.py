"""What it costs to hand work to another thread, and what it buys."""

import re
from dataclasses import dataclass

from corelab_bench import analysis, wording
from corelab_bench.analysis import Interval
from corelab_bench.lessons.lesson import Lesson
from corelab_bench.summary import Row, Summary

# What is handed over, the scenario and metric that show it, the entry that does it and the one that does not.
PRICES = (
    ("a call to the loop's helper threads", "offload-cost", "event-loop + 4 helper threads", "event-loop"),
    ("a call to the reactor's helper threads", "offload-cost", "multi-reactor + 4 helper threads", "multi-reactor"),
    ("a ready request to the pool's threads", "plaintext", "thread-pool-handoff", "event-loop"),
    ("the same, canned answers", "cost-plaintext", "floor-handoff", "floor-epoll"),
    ("a connection to the pool's threads, once", "plaintext", "thread-pool", "thread-per-connection"),
)
GAINS = (
    ("calls that block, to helper threads", "block", "event-loop + 64 helper threads", "event-loop"),
    ("calls that block, to the threads of a pool", "block", "thread-pool-handoff", "event-loop"),
)
ROUND_TRIP = "handoff/work_queue_round_trip"


@dataclass(frozen=True)
class Change:
    what: str
    scenario: str
    metric: str
    after: Row
    before: Row
    ratio: Interval

    @property
    def more(self) -> float:
        return self.after.estimate(self.metric).value - self.before.estimate(self.metric).value


def changes(run: Summary, listed: tuple, metric: str) -> list[Change]:
    """Those of the list for which the run has both entries in the same blocks."""
    found = []
    for what, name, *labels in listed:
        scenario = run.scenario(name)
        rows = [scenario.row(label) for label in labels] if scenario else []
        if rows and all(row is not None and row.measured for row in rows):
            ratio = analysis.paired_ratio(*(row.values.get(metric, {}) for row in rows))
            if ratio is not None:
                found.append(Change(what, name, metric, *rows, ratio))
    return found


def lesson(run: Summary) -> Lesson | None:
    prices, gains = changes(run, PRICES, "cpu_us"), changes(run, GAINS, "throughput")
    if not prices or not gains:
        return None
    price, gain = prices[0], gains[0]
    scenario = run.scenario(price.scenario)
    blocked_ms = re.search(r"[?&]ms=(\d+)", run.scenario(gain.scenario).source["load"]["path"])[1]
    message = (f"Handing over {price.what} costs {wording.number(abs(price.more))} µs of CPU "
               f"{'more' if price.more >= 0 else 'less'} a request, and buys {wording.number(gain.ratio.value)}× "
               f"the answers where the work blocks for {blocked_ms} ms")
    table = [(change.what, f"`{change.scenario}`", shown(change.before, change.metric),
              shown(change.after, change.metric), wording.interval(change.ratio, "×")) for change in prices + gains]
    mechanism = scenario.hypothesis["because"] if price.scenario == "offload-cost" else \
        ("Whoever hands over wakes another thread, by a futex or a descriptor, and is woken by it: system calls and "
         "switches that work done in place does not need.")
    mechanism += (" The calls of a batch are made in a row and answered in a row, which gives some of that back: a client "
                  "that would sleep between two answers is woken once for several.")
    if trip := round_trip_us(run):
        mechanism += (f" A queue between two threads, there and back and without a socket, takes "
                      f"{wording.number(trip)} µs of CPU; a busy server pays less a request, since a thread that is "
                      "awake finds the next one.")
    return Lesson(message, scenario.hypothesis["text"], mechanism,
                  ("what is handed over", "scenario", "in place", "handed over", "ratio"), table, "offload.svg",
                  scenario, run.manifest["profile"])


def shown(row: Row, metric: str) -> str:
    return f"{wording.absolute(row, metric)} ({row.label})"


def round_trip_us(run: Summary) -> float | None:
    rows = run.manifest.get("micro", {}).get("rows", [])
    return next((row["cpu_ns"] / 1e3 for row in rows if row["name"].startswith(ROUND_TRIP)), None)
