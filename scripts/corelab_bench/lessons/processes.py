"""What a process costs, and what it buys."""

from corelab_bench import analysis, wording
from corelab_bench.lessons.lesson import Lesson
from corelab_bench.summary import Row, ScenarioSummary, Summary


def lesson(run: Summary) -> Lesson | None:
    scenario = run.scenario("crash")
    rows = crash_rows(scenario)
    if len(rows) < 2:
        return None
    best, worst = min(rows, key=recovery_ms), max(rows, key=recovery_ms)
    cost = extra_private_bytes(run.scenario("process-memory"))
    costs = f"A further process of prefork costs {wording.size(cost)} of its own, and buys this: " if cost else ""
    message = (f"{costs}after a kill, {best.label} loses {wording.count(lost(best), 'request')}, {worst.label} "
               f"{wording.number(lost(worst))}")
    table = [cells(row) for row in rows]
    return Lesson(message, scenario.hypothesis["text"], scenario.hypothesis["because"],
                  ("one worker is killed", "requests due", "lost", "late", "until all is answered again",
                   "answered meanwhile"), table, "processes.svg", scenario, run.manifest["profile"])


def cells(row: Row) -> tuple[str, ...]:
    def figure(name: str) -> float | None:
        return row.median(lambda trial: trial["crash"][name])

    return (row.label, wording.number(figure("due")), wording.number(lost(row)), wording.number(figure("late")),
            recovered(row), wording.share(figure("answered_meanwhile")))


def crash_rows(scenario: ScenarioSummary | None) -> list[Row]:
    return [row for row in scenario.rows if row.measured and row.trials] if scenario else []


def lost(row: Row) -> float:
    return row.median(lambda trial: sum(trial["crash"]["lost"].values()))


def lost_share(row: Row) -> float:
    return row.median(lambda trial: sum(trial["crash"]["lost"].values()) / trial["crash"]["due"])


def always_recovers(row: Row) -> bool:
    return all(trial["crash"]["recovery_seconds"] is not None for trial in row.trials)


def recovery_ms(row: Row) -> float:
    """At least as long as it was watched, where it has not recovered."""
    def read(trial: dict) -> float:
        seconds = trial["crash"]["recovery_seconds"]
        return 1000 * (trial["crash"]["watched_seconds"] if seconds is None else seconds)
    return row.median(read)


def recovered(row: Row) -> str:
    never = sum(trial["crash"]["recovery_seconds"] is None for trial in row.trials)
    if never == len(row.trials):
        return "not recovered within the trial"
    return f"{wording.number(recovery_ms(row))} ms" + (f" (not within {wording.count(never, 'trial')})" if never else "")


def memory_points(scenario: ScenarioSummary | None, target: str, name: str) -> dict[int, float]:
    """Workers -> the median of a figure of the memory, once each has answered."""
    points = {}
    for row in scenario.rows if scenario else []:
        figure = row.median(lambda trial: trial["steps"][-1].get(name)) if row.measured and row.trials else None
        if row.target == target and figure is not None:
            points[int(row.median(lambda trial: trial["steps"][-1]["asked"]))] = figure
    return points


def extra_private_bytes(scenario: ScenarioSummary | None, target: str = "prefork") -> float | None:
    """What each further worker takes for itself: the slope of private memory over the workers. Threads of one process
    share all but their stacks, so that theirs is private memory of the process, too."""
    points = memory_points(scenario, target, "private_bytes")
    return analysis.slope(list(points), list(points.values())) if len(points) > 1 else None
