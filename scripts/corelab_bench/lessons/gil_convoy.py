"""The convoy effect: a quick route beside a computing neighbour, by the switch interval."""

import re

from corelab_bench import analysis, wording
from corelab_bench.lessons.lesson import Lesson, milliseconds
from corelab_bench.summary import Row, ScenarioSummary, Summary

DEFAULT = "2 threads, 5 ms"


def rows(scenario: ScenarioSummary | None) -> list[Row]:
    return [row for row in scenario.rows if row.measured and row.estimate("p99_ms")] if scenario else []


def switch_interval_ms(row: Row) -> float | None:
    found = re.search(r", ([\d.]+) ms$", row.label)
    return float(found[1]) if found else None


def wait(row: Row) -> analysis.Interval | None:
    return analysis.bootstrap_mean(list(row.values.get("gil_wait_ms", {}).values()))


def lesson(run: Summary) -> Lesson | None:
    scenario = run.scenario("gil-convoy")
    measured = rows(scenario)
    usual = next((row for row in measured if row.label == DEFAULT), None)
    if usual is None or wait(usual) is None:
        return None
    message = (f"Beside a thread that computes, a quick request waits {wording.number(wait(usual).value)} ms for the "
               f"interpreter lock, where the switch interval is {wording.number(switch_interval_ms(usual))} ms")
    table = [(row.label, milliseconds(row, "response_ms", "p50"), milliseconds(row, "response_ms", "p99"),
              wording.interval(wait(row), " ms") if switch_interval_ms(row) else "–",
              wording.interval(row.estimate("throughput"), "/s")) for row in measured]
    return Lesson(message, scenario.hypothesis["text"], scenario.hypothesis["because"],
                  ("", "quick: p50", "quick: p99", "waits for the lock, p50 of those that wait", "quick answers"), table,
                  "gil-convoy.svg", scenario, run.manifest["profile"])
