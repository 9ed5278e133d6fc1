"""SO_REUSEPORT: connections fall on workers by chance, and stay with a blocked one."""

import statistics

from corelab_bench import balance, multinomial, wording
from corelab_bench.lessons.lesson import Lesson
from corelab_bench.summary import Row, Summary

SCENARIOS = ("balance", "balance-peers")


def lesson(run: Summary) -> Lesson | None:
    scenario = run.scenario("balance")
    rows = balance_rows(run)
    if scenario is None or not rows:
        return None
    connections, workers = shape(rows[0])
    chance = multinomial.expected_largest(connections, workers)
    row = next((row for row in rows if row.label == scenario.reference), rows[0])
    message = (f"Of {connections} connections the fullest of {workers} workers has "
               f"{wording.number(mean_largest(row))} on {row.label}; a fair die predicts {wording.number(chance)}, "
               f"an even deal {wording.number(connections / workers)}")
    blocked = run.scenario("blocked-worker")
    late = {other.label: other.estimate("late_share") for other in blocked.rows if other.measured} if blocked else {}
    labels = [other.label for other in rows] + [label for label in late if label not in {one.label for one in rows}]
    by_label = {other.label: other for other in rows}
    table = [(label, *(distribution(by_label[label]) if label in by_label else ("–", "–", "–")),
              wording.interval(late.get(label), form=wording.share)) for label in labels]
    prediction = (f"{scenario.hypothesis['text']} Chance alone gives the fullest worker {wording.number(chance)} of "
                  f"{connections} connections on the average." + (f" {blocked.hypothesis['text']}" if blocked else ""))
    return Lesson(message, prediction, scenario.hypothesis["because"],
                  ("", "connections of the fullest worker, mean", "most seen", "openings",
                   "late, with one worker blocked"), table, "skew.svg", scenario, run.manifest["profile"])


def balance_rows(run: Summary) -> list[Row]:
    return [row for name in SCENARIOS if (scenario := run.scenario(name)) for row in scenario.rows
            if row.measured and row.trials]


def shape(row: Row) -> tuple[int, int]:
    return row.trials[0]["connections"], row.trials[0]["workers"]


def openings(row: Row) -> list[dict]:
    return [opening for trial in row.trials for opening in trial["openings"]]


def largest(row: Row) -> list[float]:
    return [balance.largest_share(opening) * sum(opening["connections"]) for opening in openings(row)]


def mean_largest(row: Row) -> float:
    return statistics.mean(largest(row))


def distribution(row: Row) -> tuple[str, str, str]:
    return wording.number(mean_largest(row)), f"{max(largest(row)):.0f}", f"{len(openings(row))}"
