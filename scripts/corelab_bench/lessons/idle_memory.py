"""What an idle connection takes."""

from corelab_bench import wording
from corelab_bench.lessons.lesson import Lesson
from corelab_bench.summary import Summary


def lesson(run: Summary) -> Lesson | None:
    scenario = run.scenario("idle-memory")
    rows = [row for row in scenario.rows if row.measured] if scenario else []
    if not any(row.estimate("bytes_per_connection") for row in rows):
        return None
    table = [(row.label, wording.interval(row.estimate("bytes_per_connection"), form=wording.size) if row.measured else
              "–", wording.interval(row.estimate("idle_established")) if row.measured else "–", row.reason)
             for row in scenario.rows]
    mechanism = (f"{scenario.hypothesis['because']} The figure is the least squares slope of PSS over the numbers of "
                 "connections held; what the kernel keeps for a socket is not in it.")
    return Lesson(wording.memory_message(scenario), scenario.hypothesis["text"], mechanism,
                  ("", "user memory per idle connection", "connections held", ""), table, "memory.svg", scenario,
                  run.manifest["profile"])
