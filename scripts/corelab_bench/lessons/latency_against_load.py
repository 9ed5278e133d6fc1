"""Latency against offered load."""

from corelab_bench import wording
from corelab_bench.lessons.lesson import Lesson
from corelab_bench.scenarios import TimedLoad
from corelab_bench.summary import Row, Summary


def lesson(run: Summary) -> Lesson | None:
    scenario = run.scenario("latency-against-load")
    rows = [row for row in scenario.rows if row.measured and row.trials] if scenario else []
    if not rows:
        return None
    shares = scenario.source["load"]["shares"]
    near = TimedLoad(**scenario.source["load"]).near_capacity
    tails = {row.label: step_figure(row, near, "p99") for row in rows}
    tails = {label: tail for label, tail in tails.items() if tail is not None}
    slo = scenario.source["load"]["slo_ms"]
    first = max(rows, key=lambda row: row.estimate("saturation_rate").value)
    message = (f"{wording.number(first.estimate('saturation_rate').value)} requests a second on {first.label} keep a 99th "
               f"percentile of {slo:g} ms")
    if tails:
        best, worst = min(tails, key=tails.get), max(tails, key=tails.get)
        message += (f"; at {near:.0%} of what each keeps it is {wording.number(tails[best])} ms on {best}, "
                    f"{wording.number(tails[worst])} ms on {worst}")
    table = [(row.label, wording.interval(row.estimate("throughput"), "/s"),
              wording.interval(row.estimate("saturation_rate"), "/s"),
              *(f"{wording.number(step_figure(row, share, 'p50'))} / {wording.number(step_figure(row, share, 'p99'))}"
                for share in shares)) for row in rows]
    return Lesson(message, scenario.hypothesis["text"], scenario.hypothesis["because"],
                  ("p50 / p99 in ms at shares of the knee", "closed loop", f"knee: the highest rate within {slo:g} ms",
                   *(f"{share:.0%}" for share in shares)),
                  table, "latency-against-load.svg", scenario, run.manifest["profile"])


def step_figure(row: Row, share: float, name: str) -> float | None:
    """The median over trials of a percentile at one offered share, where that load was valid."""
    return row.median(lambda trial: next((step["response_ms"][name] for step in trial["steps"]
                                          if step["share"] == share), None))
