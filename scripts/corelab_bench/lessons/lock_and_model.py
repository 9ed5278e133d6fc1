"""The same answers in C++ and in Python on the same cores: what the language costs, and what the model costs."""

import re

from corelab_bench import analysis, wording
from corelab_bench.lessons.lesson import Lesson
from corelab_bench.summary import Row, ScenarioSummary, Summary

HELLO, COMPUTES, WAITS = "asgi-contrast-hello", "asgi-contrast-cpu", "asgi-contrast"
LOOP, THREADS = "event-loop", "thread-pool"


def way(label: str) -> str:
    """Who answers and how, without the number of threads, which differs between the scenarios."""
    return re.sub(r" × \d+$| \d+(?= helper)", "", label)


def rows(scenario: ScenarioSummary | None) -> dict[str, Row]:
    return {way(row.label): row for row in scenario.rows} if scenario else {}


def ways(run: Summary) -> list[str]:
    """All that any of the scenarios has, those of Python's own servers last."""
    known = dict.fromkeys(name for scenario in (HELLO, COMPUTES, WAITS) for name in rows(run.scenario(scenario)))
    return sorted(known, key=lambda name: ("," not in name, not name.startswith("C++"), not name.startswith("bare")))


def gain(scenario: ScenarioSummary | None, over: str, under: str, metric: str) -> analysis.Interval | None:
    known = rows(scenario)
    if not all(name in known and known[name].measured for name in (over, under)):
        return None
    return analysis.paired_ratio(*(known[name].values.get(metric, {}) for name in (over, under)))


def cell(row: Row | None, metric: str, unit: str) -> str:
    if row is None:
        return "–"
    return wording.interval(row.estimate(metric), unit) if row.measured else row.reason


def lesson(run: Summary) -> Lesson | None:
    hello, computes, waits = (run.scenario(name) for name in (HELLO, COMPUTES, WAITS))
    language = gain(hello, f"bare callable, {LOOP} inline", f"C++, {LOOP}", "cpu_us")
    model = gain(hello, f"bare callable, {LOOP} + helper threads", f"bare callable, {LOOP} inline", "cpu_us")
    if language is None or model is None:
        return None
    message = (f"A quick answer costs {wording.number(language.value)}× in Python of what it costs in C++ on the same "
               f"loop, on helper threads {wording.number(model.value)}× again")
    compiled, locked = (gain(computes, f"{who}, {THREADS}", f"{who}, {LOOP}{how}", "throughput")
                        for who, how in (("C++", ""), ("Flask", " inline")))
    if compiled and locked:
        message += (f"; threads that compute answer {wording.number(compiled.value)}× of a loop in C++, "
                    f"{wording.number(locked.value)}× in Flask")
    quick, busy, asleep = rows(hello), rows(computes), rows(waits)
    table = [(name, cell(quick.get(name), "throughput", "/s"), cell(quick.get(name), "cpu_us", " µs"),
              cell(busy.get(name), "throughput", "/s"), cell(asleep.get(name), "throughput", "/s"),
              cell(asleep.get(name), "cpu_us", " µs")) for name in ways(run)]
    mechanism = " ".join(one.hypothesis["because"] for one in (hello, computes, waits) if one)
    return Lesson(message, hello.hypothesis["text"], mechanism,
                  ("", "hello: answers", "CPU time each", "computes 2 ms: answers", "waits 20 ms: answers",
                   "CPU time each"), table, "lock-and-model.svg", hello, run.manifest["profile"])
