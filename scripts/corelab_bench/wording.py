"""Numbers and findings in words: every sentence of the report that holds a number is made here."""

from corelab_bench import saturation
from corelab_bench.analysis import Interval, compare_word
from corelab_bench.scenarios import LOWER_IS_BETTER, parse_load
from corelab_bench.stop_rule import half_widths
from corelab_bench.summary import Row, ScenarioSummary, Summary, metric_name, oriented


def rejected_loads(run) -> list[tuple[str, str, str]]:
    """(scenario, entry, reasons) of the loads that were rejected in trials that are valid all the same."""
    return [(scenario.name, row.label, "; ".join(reasons)) for scenario in run.scenarios for row in scenario.rows
            if (reasons := saturation.rejections(row.trials))]


def number(value: float | None) -> str:
    """Three significant digits at most, thousands separated."""
    if value is None:
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def size(value: float) -> str:
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= factor:
            amount = value / factor
            return f"{amount:.{0 if amount >= 100 else 1 if amount >= 10 else 2}f} {unit}"
    return f"{value:.0f} B"


def tick(value: float) -> str:
    """A round size."""
    step = 2 if value >= 2**20 else 1 if value >= 2**10 else 0
    return f"{value / 2 ** (10 * step):g} {('B', 'KiB', 'MiB')[step]}"


def time_tick(value_ms: float) -> str:
    """A round time."""
    return f"{value_ms * 1e3:g} µs" if value_ms < 1 else f"{value_ms:g} ms" if value_ms < 1e3 else f"{value_ms / 1e3:g} s"


def count(value: float, noun: str) -> str:
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{value:,.0f} {noun if value == 1 else plural}"


def interval(value: Interval | None, unit: str = "", form=number) -> str:
    """`0.87× [0.85, 0.90]`, with the count where it is too small for BCa; the bare figure where there is no interval."""
    if value is None:
        return "–"
    if value.low is None:
        return f"{form(value.value)}{unit}"
    few = f" (n={value.n})" if value.method == "percentile" else ""
    return f"{form(value.value)}{unit} [{form(value.low)}, {form(value.high)}]{few}"


def cell(row: Row, scenario: ScenarioSummary) -> str:
    """One cell of the table of cores by scenarios."""
    if not row.measured:
        return row.word
    if row.word == "reference":
        return f"1 ({absolute(row, scenario.compare)})"
    if row.word == "generator-bound":
        return "generator-bound"
    return f"{interval(row.ratio, '×')} {('**' + row.word + '**') if row.word else ''}".strip()


def absolute(row: Row, metric: str) -> str:
    value = row.estimate(metric)
    if value is None:
        return "–"
    units = {"throughput": "/s", "saturation_rate": "/s", "cpu_us": " µs", "idle_established": "", "p50_ms": " ms", "p99_ms": " ms",
             "near_capacity_p99_ms": " ms", "late_share": "", "largest_share": "", "recovery_ms": " ms", "lost_requests": "", "gil_wait_ms": " ms"}
    return size(value.value) if metric in ("bytes_per_connection", "pss_bytes") else number(value.value) + units[metric]


def load(scenario: ScenarioSummary) -> str:
    """What is asked, how often at once, and what else is there."""
    return asked_for(scenario) + surroundings(scenario.source)


def surroundings(source: dict) -> str:
    text = ""
    if source.get("beside", {}).get("connections"):
        others, slow = source["beside"], f" at {source['beside'].get('bytes_per_second', 0):,g} bytes a second"
        text += "; beside it " + {
            "idle": f"{count(others['connections'], 'idle connection')}",
            "slow-send": f"{count(others['connections'], 'client')} that send{slow}",
            "slow-read": f"{count(others['connections'], 'client')} that read `{others.get('path')}`{slow}",
        }[others["mode"]]
    if "upstream" in source:
        text += f"; behind it {source['upstream']}"
    if "slice_seconds" in source:
        text += f"; by turns, {source['slice_seconds']:g} s each"
    return text + (f"; varied: {source['parameter']}" if "parameter" in source else "")


def asked_for(scenario: ScenarioSummary) -> str:
    kind = scenario.source.get("kind", "load")
    asked = parse_load(kind, scenario.source["load"])
    if kind in ("latency", "sweep"):
        return timed_load(kind, asked)
    if kind == "balance":
        return f"{count(asked.connections, 'connection')} opened together, `{asked.path}` on each in turn, over and over"
    if kind == "crash":
        return (f"`{asked.path}`, {count(asked.connections, 'connection')}, {asked.rate:g} a second; {asked.signal} to one "
                "worker")
    if kind == "idle":
        return f"`{asked.path}` once on each of up to {max(scenario.source['steps']):,} connections, which then idle"
    text = f"`{asked.path}`" + (f", a POST of {size(asked.post_bytes)}" if asked.post_bytes else "")
    if asked.slow_path:
        text += f" and {asked.slow_share:.0%} `{asked.slow_path}`"
    text += f", {count(asked.connections, 'connection')}"
    if asked.pipeline > 1:
        text += f", {asked.pipeline} requests in a packet"
    return text + (", one request each" if asked.close else "")


def timed_load(kind: str, asked) -> str:
    beside = f"; beside them one connection asks for `{asked.neighbour}` without a pause" if asked.neighbour else ""
    parts = [f"`{text.partition(':')[2]}`" for text in asked.classes.values()]
    weights = [float(text.partition(":")[0]) for text in asked.classes.values()]
    mix = " and ".join(f"{weight / sum(weights):.0%} {part}" for weight, part in zip(weights, parts)) \
        if len(parts) > 1 else parts[0]
    schedule = ("a closed loop, a search for the highest rate within the objective, then shares of it" if kind == "sweep" else
                f"{asked.rate:g} a second, {asked.arrivals}" if asked.rate else "closed loop")
    return f"{mix}, {count(asked.connections, 'connection')}, {schedule} (corelab-load){beside}"


def names(labels: list[str]) -> str:
    if len(labels) < 2:
        return "".join(labels)
    return ", ".join(labels[:-1]) + " and " + labels[-1]


def with_word(scenario: ScenarioSummary, word: str, kinds: dict[str, str]) -> list[Row]:
    """Cores (no floor, no peer) that have this word, best first."""
    rows = [row for row in scenario.rows if row.word == word and kinds.get(row.target, "core") == "core"]
    return sorted(rows, key=lambda row: -row.ratio.value if row.ratio else 0.0)


def message(scenario: ScenarioSummary) -> str:
    """The finding of a scenario in one line: the title of its figure."""
    rows = [row for row in scenario.rows if row.ratio is not None and row.label != scenario.reference]
    if not rows:
        return "nothing to compare"
    words = {row.word for row in rows}
    if not words & {"ahead", "behind", "tie", "undecided"}:
        return "no verdicts in this profile" if words == {""} else "the generator was the limit"
    ahead = [row for row in rows if row.word == "ahead"]
    behind = [row for row in rows if row.word == "behind"]
    best = max(rows, key=lambda row: row.ratio.value)
    worst = min(rows, key=lambda row: row.ratio.value)
    if ahead and behind:
        return f"{at(worst)}, {at(best)}"
    if ahead:
        return f"{len(ahead)} of {len(rows)} ahead of {scenario.reference}, {at(best)}"
    if behind:
        return f"{len(behind)} of {len(rows)} behind {scenario.reference}, {at(worst)}"
    if words == {"tie"}:
        return "all tie"
    return f"no difference that this run can show ({sum(row.word == 'tie' for row in rows)} of {len(rows)} tie)"


def at(row: Row) -> str:
    return f"{row.label} at {number(row.ratio.value)}×"


def answer(scenario: ScenarioSummary, kinds: dict[str, str]) -> tuple[str, str]:
    """(what to take, why) for the answer box."""
    ahead, ties = with_word(scenario, "ahead", kinds), with_word(scenario, "tie", kinds)
    behind, open_ = with_word(scenario, "behind", kinds), with_word(scenario, "undecided", kinds)
    reference = scenario.row(scenario.reference)
    if reference is None or not reference.measured:
        return "no answer", f"{scenario.reference} gave no valid row: {reference.reason if reference else 'absent'}"
    if not (ahead or ties or behind or open_):
        return "no answer", "no core could be compared"
    if ahead:
        take = names([row.label for row in with_the_best(ahead, scenario)])
        why = f"{metric_name(scenario.compare)}: {ahead[0].label} {interval(ahead[0].ratio, '×')} of {reference.label}"
    else:
        take = names([reference.label] + [row.label for row in ties])
        why = "no core is ahead of " + reference.label
    if behind:
        worst = behind[-1]
        why += f"; behind: {names([row.label for row in behind])} (down to {interval(worst.ratio, '×')})"
    if open_:
        why += f"; undecided: {names([row.label for row in open_])}"
    return take, why


def with_the_best(rows: list[Row], scenario: ScenarioSummary) -> list[Row]:
    """The first row and those that are not behind it in turn."""
    return [row for row in rows if row is rows[0] or
            compare_word(oriented(scenario.compare, row, rows[0]), scenario.band) != "behind"]


def oriented_note(metric: str) -> str:
    return f"{metric_name(metric)}, {'reference over core' if metric in LOWER_IS_BETTER else 'core over reference'}"


def cost_message(scenario: ScenarioSummary) -> str:
    figures = [budget.figure.value for budget in scenario.budgets if budget.figure and "floor" in budget.text]
    if not figures:
        return "CPU time a request"
    return f"A whole HTTP server costs {min(figures):.2f} to {max(figures):.2f}× what canned bytes cost"


def switches_message(rows: list[Row]) -> str:
    def total(row):
        return row.switches("voluntary") + row.switches("involuntary")
    most, least = max(rows, key=total), min(rows, key=total)
    return f"{most.label} switches {total(most):.2f} times a request, {least.label} {total(least):.3f}"


def memory_message(scenario: ScenarioSummary) -> str:
    slopes = {row.label: row.estimate("bytes_per_connection") for row in scenario.rows if row.measured}
    slopes = {label: slope.value for label, slope in slopes.items() if slope}
    if len(slopes) < 2:
        return "Memory of idle connections"
    most, least = max(slopes, key=slopes.get), min(slopes, key=slopes.get)
    return f"An idle connection takes {size(slopes[least])} on {least}, {size(slopes[most])} on {most}"


def process_memory_message(rows: list[Row]) -> str:
    most, least = rows[0], rows[-1]
    return f"{most.label} takes {size(most.memory('pss_bytes'))}, {least.label} {size(least.memory('pss_bytes'))}"


def gil_message(scenario: ScenarioSummary) -> str:
    row = next((row for row in scenario.rows if row.label != scenario.reference and row.ratio), None)
    if row is None:
        return "The interpreter lock, from outside"
    return f"Two processes answer {row.ratio.value:.2f}× what two threads do: the interpreter lock, from outside"


def call_names(rows: dict[str, dict[str, float]]) -> list[str]:
    """The system calls of all rows, the most frequent first."""
    sums: dict[str, float] = {}
    for calls in rows.values():
        for name, number in calls.items():
            sums[name] = sums.get(name, 0.0) + number
    return sorted(sums.keys() - {"total"}, key=lambda name: -sums[name])


def noise(summary: Summary) -> dict[str, str]:
    """How quiet the machine was, over all trials."""
    foreign = [trial["machine"]["foreign_share"] for trial in summary.trials if "machine" in trial]
    steal = [trial["machine"]["steal_share"] for trial in summary.trials if "machine" in trial]
    if not foreign:
        return {}
    foreign.sort()
    return {"foreign_median": f"{foreign[len(foreign) // 2]:.0%}", "foreign_worst": f"{foreign[-1]:.0%}",
            "steal_worst": f"{max(steal):.0%}"}


def hiccups(summary: Summary) -> dict[str, str]:
    """How long the machine was away, over all trials that watched for it."""
    worst = sorted(trial["hiccup_ms"] for trial in summary.trials if "hiccup_ms" in trial)
    return {"median": f"{number(worst[len(worst) // 2])} ms", "worst": f"{number(worst[-1])} ms"} if worst else {}


def stop_rules(summary: Summary) -> list[tuple[str, ...]]:
    """What each stop rule allowed and did."""
    rows = []
    for rule in summary.manifest.get("stop_rules", []):
        scenario = summary.scenario(rule["scenario"])
        if scenario is None:
            continue
        trials = [trial for trial in summary.trials if trial["scenario"] == scenario.name]
        widths = half_widths(scenario.source, trials).values()
        widest = max(widths, default=float("inf"))
        rows.append((scenario.name, f"± {rule['until']:g}", f"{rule['min_blocks']} to {scenario.registered['blocks']}",
                     str(len({trial["block"] for trial in trials})),
                     "too few blocks" if widest == float("inf") else f"± {widest:.3f}"))
    return rows
