"""Threads and processes under an interpreter lock: what computes, what waits."""

from corelab_bench import analysis, wording
from corelab_bench.lessons.lesson import Lesson
from corelab_bench.summary import ScenarioSummary, Summary

COMPUTES, SLEEPS = "gil-threads", "gil-threads-sleep"
KINDS = {"threads": ("thread", (1, 2, 4, 8)), "processes": ("process", (1, 2, 4))}


def label(kind: str, count: int) -> str:
    return wording.count(count, KINDS[kind][0])


def gain(scenario: ScenarioSummary | None, kind: str, count: int) -> analysis.Interval | None:
    """Throughput over that of one thread, or of one process."""
    rows = [scenario.row(label(kind, number)) for number in (count, 1)] if scenario else []
    if not rows or not all(row is not None and row.measured for row in rows):
        return None
    return analysis.paired_ratio(*(row.values.get("throughput", {}) for row in rows))


def lesson(run: Summary) -> Lesson | None:
    computes, sleeps = run.scenario(COMPUTES), run.scenario(SLEEPS)
    threads, processes = gain(computes, "threads", 2), gain(computes, "processes", 2)
    if threads is None or processes is None:
        return None
    message = (f"Python that computes: a second thread gives {wording.number(threads.value)}× of one, a second process "
               f"{wording.number(processes.value)}×")
    if waits := gain(sleeps, "threads", 8):
        message += f"; that sleeps: eight threads give {wording.number(waits.value)}×"
    own = [row for row in computes.rows if "own GIL" in row.label]
    mechanism = computes.hypothesis["because"]
    if sleeps:
        mechanism += " " + sleeps.hypothesis["because"]
    table = []
    for kind, (_, counts) in KINDS.items():
        for count in counts:
            cells = []
            for scenario in filter(None, (computes, sleeps)):
                row = scenario.row(label(kind, count))
                cells += [wording.interval(row.estimate("throughput"), "/s"),
                          wording.interval(gain(scenario, kind, count), "×")] if row and row.measured else \
                    [row.reason if row else "–", "–"]
            table.append((label(kind, count), *cells))
    for row in own:
        table.append((row.label, wording.interval(row.estimate("throughput"), "/s") if row.measured else row.reason,
                      wording.interval(row.ratio, "×"), *(["–", "–"] if sleeps else [])))
    head = ["", "computes 5 ms", "of one"] + (["sleeps 20 ms", "of one"] if sleeps else [])
    return Lesson(message, computes.hypothesis["text"], mechanism, tuple(head), table, "gil-threads.svg", computes,
                  run.manifest["profile"])
