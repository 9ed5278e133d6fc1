"""What a further process costs: memory of its own, where a thread shares."""

from corelab_bench import wording
from corelab_bench.lessons.lesson import Lesson
from corelab_bench.lessons.processes import extra_private_bytes
from corelab_bench.summary import Row, Summary


def lesson(run: Summary) -> Lesson | None:
    scenario = run.scenario("process-memory")
    rows = memory_rows(run)
    process = extra_private_bytes(scenario)
    if process is None:
        return None
    thread = extra_private_bytes(scenario, "thread-pool")
    message = f"Each further process takes {wording.size(process)} of its own"
    if thread is not None:
        message += f", each further thread {wording.size(max(thread, 0.0))}"
    table = [(row.label, wording.size(figure(row, "pss_bytes")), wording.size(figure(row, "private_bytes")),
              wording.size(shared(row)), wording.number(figure(row, "asked"))) for row in rows]
    return Lesson(message, scenario.hypothesis["text"], scenario.hypothesis["because"],
                  ("", "PSS", "of it private", "of it shared", "connections, one a worker"), table,
                  "process-cost.svg", scenario, run.manifest["profile"])


def memory_rows(run: Summary) -> list[Row]:
    scenario = run.scenario("process-memory")
    return [row for row in scenario.rows if row.measured and row.trials] if scenario else []


def figure(row: Row, name: str) -> float:
    """The median over trials, once every worker has answered."""
    return row.median(lambda trial: trial["steps"][-1][name])


def shared(row: Row) -> float:
    return row.median(lambda trial: trial["steps"][-1]["pss_bytes"] - trial["steps"][-1]["private_bytes"])
