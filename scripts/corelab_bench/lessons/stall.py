"""A blocking handler stalls a loop."""

import re

from corelab_bench import wording
from corelab_bench.lessons import stall_requests
from corelab_bench.lessons.lesson import Lesson, mean, milliseconds, timed_rows
from corelab_bench.scenarios import TimedLoad
from corelab_bench.summary import Summary

# What the same blocking means for an answer in many blocks; tests/e2e/wsgi_isolation_test.cpp shows it.
ONE_ANSWER_AT_A_TIME = (
    "For an application that blocks, an answer in many blocks is one such request from its call to its end: a loop that runs "
    "it itself makes one at a time, up to 1 MiB ahead of a slow client, and lets other requests for the application wait for "
    "their turn. If it took turns block by block, one request would find another's context variables and thread-locals.")


def lesson(run: Summary) -> Lesson | None:
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
    return Lesson(message, prediction, scenario.hypothesis["because"] + " " + ONE_ANSWER_AT_A_TIME,
                  ("", "quick: p50", "quick: p99", "quick: mean", "blocking: p50", "in flight"), table, "stall.svg",
                  scenario, run.manifest["profile"], single_requests(run, predicted))


def single_requests(run: Summary, predicted_ms: float) -> tuple[tuple[str, str], ...]:
    """The figures of the trace pass, where the run made one."""
    entries = stall_requests.traced(run)
    return (("stall-heat-map.svg", stall_requests.heat_map_message(entries, predicted_ms)),
            ("stall-gantt.svg", stall_requests.gantt_message(entries))) if entries else ()


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
