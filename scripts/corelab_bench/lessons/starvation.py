"""Idle keep-alives starve a pool."""

from corelab_bench import wording
from corelab_bench.lessons.lesson import Lesson, mean, milliseconds, timed_rows
from corelab_bench.summary import Row, Summary


def lesson(run: Summary) -> Lesson | None:
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
