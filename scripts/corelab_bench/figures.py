"""The figures: the message is the title, labels stand at what they name, colours are safe for the colour-blind and
always doubled by shape or place, so that grey print says the same. Written as SVG, the same bytes for the same data.
"""

import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend must be chosen first)

from corelab_bench import lessons, wording  # noqa: E402
from corelab_bench.analysis import Interval  # noqa: E402
from corelab_bench.summary import ScenarioSummary, Summary  # noqa: E402

# Okabe and Ito's palette, ordered by lightness where two meet in one figure.
BLUE, ORANGE, GREEN, GREY, BLACK = "#0072B2", "#E69F00", "#009E73", "#8C8C8C", "#222222"
WORD_STYLE = {"ahead": (BLUE, "^"), "behind": (ORANGE, "v"), "tie": (GREEN, "o"), "reference": (BLACK, "D")}
STYLE = {"svg.hashsalt": "corelab", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
         "axes.titlelocation": "left", "axes.titlesize": 10, "figure.constrained_layout.use": True,
         "font.family": "DejaVu Sans"}
WIDTH = 8.5
TITLE_LETTERS = 88


def draw_all(summary: Summary, folder: Path) -> list[str]:
    """Draws what the run has data for; returns the names of the files written."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    names = []
    with plt.rc_context(STYLE):
        for name, draw in (("ratios", ratios), ("cost", cost), ("switches", switches), ("memory", memory),
                           ("process-memory", process_memory), ("gil", gil), ("stall", stall), ("starvation", starvation),
                           ("latency-against-load", latency_against_load)):
            figure = draw(summary)
            if figure is not None:
                figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
                plt.close(figure)
                names.append(f"{name}.svg")
    return names


def title(axes, text: str) -> None:
    """Over the whole figure: a message is longer than the axes are wide."""
    lines = textwrap.wrap(text, TITLE_LETTERS)
    axes.figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=10, fontweight="bold")


def ratios(summary: Summary):
    """A forest plot for each headline scenario: ratio to the reference with its interval, and the A/A band."""
    shown = [scenario for scenario in summary.scenarios if scenario.headline
             and any(row.ratio for row in scenario.rows)]
    if not shown:
        return None
    heights = [len(scenario.rows) for scenario in shown]
    figure, all_axes = plt.subplots(len(shown), 1, figsize=(WIDTH, 0.24 * sum(heights) + 0.85 * len(shown) + 0.3),
                                    gridspec_kw={"height_ratios": heights}, squeeze=False)
    for axes, scenario in zip(all_axes[:, 0], shown):
        forest(axes, scenario)
    figure.suptitle("Every core against the event loop, within the same blocks (right is better)", x=0.01,
                    ha="left", fontsize=10)
    return figure


def forest(axes, scenario: ScenarioSummary) -> None:
    rows = list(reversed(scenario.rows))
    measured = [row for row in rows if row.ratio is not None]
    edges = [edge for row in measured for edge in ends(row.ratio)]
    axes.set_xscale("log")
    low, high = min(edges + [0.8]) / 1.15, max(edges + [1.25]) * 1.15
    axes.set_xlim(low, high * (high / low) ** 0.25)  # the right quarter holds the numbers
    axes.axvspan(1 / scenario.band.factor, scenario.band.factor, color=GREY, alpha=0.25, linewidth=0)
    axes.axvline(1, color=GREY, linewidth=0.8)
    for place, row in enumerate(rows):
        if row.ratio is None:
            axes.text(1, place, f"  {row.word}", va="center", color=BLACK, fontsize=8)
            continue
        colour, marker = WORD_STYLE.get(row.word, (GREY, "s"))
        axes.plot(ends(row.ratio), (place, place), color=colour, linewidth=2, solid_capstyle="butt")
        axes.plot(row.ratio.value, place, marker, color=colour, markersize=6)
        axes.text(high, place, f" {wording.number(row.ratio.value)}×  {row.word}", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.tick_params(left=False)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    plain_log_ticks(axes, low, high)
    what = f"{scenario.name}, {wording.metric_name(scenario.compare)}"
    axes.set_title(f"{what}: {wording.message(scenario)}", fontweight="bold")


def ends(value: Interval) -> tuple[float, float]:
    """Both ends of an interval, or the value twice where there is none."""
    return (value.value, value.value) if value.low is None else (value.low, value.high)


def plain_log_ticks(axes, low: float, high: float) -> None:
    steps = (1, 2, 5) if high / low > 6 else (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 4)
    decades = range(-4, 7) if high / low > 6 else (0,)
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    ticks = [tick for tick in ticks if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}×" for tick in ticks])
    axes.minorticks_off()


def cost(summary: Summary):
    """CPU time a request, user and system stacked, with the budget where a row has one."""
    scenario = summary.scenario("cost-plaintext")
    rows = [row for row in scenario.rows if row.measured and row.estimate("cpu_us")] if scenario else []
    if not rows:
        return None
    rows.sort(key=lambda row: -row.estimate("cpu_us").value)
    figure, axes = plt.subplots(figsize=(WIDTH, 0.3 * len(rows) + 1.1))
    longest = max(row.estimate("cpu_us").high or row.estimate("cpu_us").value for row in rows)
    for place, row in enumerate(rows):
        whole = row.estimate("cpu_us")
        split = row.user_share is not None
        user = whole.value * (row.user_share or 0)
        axes.barh(place, user, color=BLUE, height=0.62)
        axes.barh(place, whole.value - user, left=user, color="#A6CEE3" if split else GREY, height=0.62, hatch="///" if split else "",
                  edgecolor="white", linewidth=0)
        if whole.low is not None:
            axes.plot((whole.low, whole.high), (place, place), color=BLACK, linewidth=1.2)
        text = f"{whole.value:.2f} µs" + ("" if split else " (user and system unknown)")
        for budget in scenario.budgets:
            if budget.entry == row.label and budget.figure is not None and "floor" in budget.text:
                text += f"   {budget.figure.value:.2f}× its floor (budget {budget.limit})"
        axes.text(longest * 1.02, place, text, va="center", fontsize=8)
    top = len(rows) - 1
    first = rows[top].estimate("cpu_us").value * (rows[top].user_share or 0)
    axes.text(first / 2, top + 0.5, "user", ha="center", fontsize=8, color=BLUE)
    axes.text((first + rows[top].estimate("cpu_us").value) / 2, top + 0.5, "system", ha="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.tick_params(left=False)
    axes.set_xlim(0, longest * 1.55)
    axes.set_ylim(-0.6, len(rows) + 0.2)
    axes.set_xlabel("µs of CPU time a request (line: interval of the mean)")
    title(axes, wording.cost_message(scenario))
    return figure


def switches(summary: Summary):
    """Context switches a request on the plain load."""
    scenario = summary.scenario("plaintext")
    rows = scenario.rows if scenario else []
    rows = [row for row in rows if row.measured and row.switches("voluntary") is not None]
    if not rows:
        return None
    rows.sort(key=lambda row: -row.switches("voluntary") - row.switches("involuntary"))
    figure, axes = plt.subplots(figsize=(WIDTH, 0.27 * len(rows) + 1.1))
    longest = max(row.switches("voluntary") + row.switches("involuntary") for row in rows)
    for place, row in enumerate(rows):
        voluntary, involuntary = row.switches("voluntary"), row.switches("involuntary")
        axes.barh(place, voluntary, color=GREEN, height=0.6)
        axes.barh(place, involuntary, left=voluntary, color=ORANGE, height=0.6, hatch="//", edgecolor="white",
                  linewidth=0)
        axes.text(voluntary + involuntary, place, f" {voluntary:.3f} waiting + {involuntary:.3f} preempted",
                  va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.tick_params(left=False)
    axes.set_xlim(0, longest * 1.45 or 1)
    axes.set_xlabel("context switches a request, /plaintext, 64 connections")
    title(axes, wording.switches_message(rows))
    return figure


def memory(summary: Summary):
    """Memory against idle connections, both axes logarithmic: PSS above the empty server."""
    scenario = summary.scenario("idle-memory")
    rows = [row for row in scenario.rows if row.measured] if scenario else []
    curves = {row.label: idle_curve(row) for row in rows}
    curves = {label: curve for label, curve in curves.items() if len(curve) > 1}
    if not curves:
        return None
    figure, axes = plt.subplots(figsize=(WIDTH, 4.2))
    labels = []
    for (label, curve), marker in zip(curves.items(), "oDs^vPX*" * 3):
        x, y = zip(*curve)
        axes.plot(x, y, marker=marker, markersize=5, linewidth=1.4, color=BLACK if "thread" in label else BLUE)
        labels.append((y[-1], label, x[-1]))
    axes.set_xscale("log")
    axes.set_yscale("log")
    place = 0.0
    for y, label, x in sorted(labels):
        place = max(y, place * 1.45)  # labels must not lie on each other
        axes.annotate(label, (x, y), (x * 1.12, place), fontsize=8, va="center")
    counts = sorted({x for curve in curves.values() for x, _ in curve})
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.set_xlim(min(counts) * 0.9, max(counts) * 2.6)
    low, high = min(y for curve in curves.values() for _, y in curve), max(place, max(labels)[0])
    ticks = [(1, 10, 100)[step % 3] * 2.0 ** (10 * (step // 3)) for step in range(12)]
    ticks = [tick for tick in ticks if low / 3 <= tick <= high * 3]
    axes.set_ylim(low / 2, high * 2)
    axes.set_yticks(ticks, [wording.tick(tick) for tick in ticks])
    axes.set_xlabel("idle keep-alive connections")
    axes.set_ylabel("PSS above the empty server")
    title(axes, wording.memory_message(scenario))
    return figure


def idle_curve(row) -> list[tuple[int, float]]:
    """(connections, median PSS above that of none) for each step that all connections reached."""
    by_count: dict[int, list[float]] = {}
    for trial in row.trials:
        steps = trial["steps"]
        if steps[0]["asked"] != 0:
            continue
        for step in steps[1:]:
            if step["open"] == step["asked"]:
                by_count.setdefault(step["asked"], []).append(step["pss_bytes"] - steps[0]["pss_bytes"])
    middles = {count: sorted(values)[len(values) // 2] for count, values in by_count.items()}
    return sorted((count, value) for count, value in middles.items() if value > 0)


def process_memory(summary: Summary):
    """What the whole server takes under the plain load."""
    scenario = summary.scenario("plaintext")
    rows = [row for row in scenario.rows if row.measured and row.memory("pss_bytes")] if scenario else []
    if not rows:
        return None
    rows.sort(key=lambda row: -row.memory("pss_bytes"))
    figure, axes = plt.subplots(figsize=(WIDTH, 0.27 * len(rows) + 1.1))
    longest = max(row.memory("pss_bytes") for row in rows)
    for place, row in enumerate(rows):
        pss = row.memory("pss_bytes")
        axes.barh(place, pss / 2**20, color=BLUE, height=0.6)
        axes.text(pss / 2**20, place, f" {wording.size(pss)}: {wording.count(row.memory('processes'), 'process')}, "
                  f"{wording.count(row.memory('threads'), 'thread')}", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.tick_params(left=False)
    axes.set_xlim(0, longest / 2**20 * 1.45)
    axes.set_xlabel("MiB of PSS under 64 connections (shared pages counted once)")
    title(axes, wording.process_memory_message(rows))
    return figure


def gil(summary: Summary):
    scenario = summary.scenario("gil")
    rows = [row for row in scenario.rows if row.measured and row.estimate("throughput")] if scenario else []
    if len(rows) < 2:
        return None
    figure, axes = plt.subplots(figsize=(WIDTH, 0.4 * len(rows) + 1.2))
    longest = max(row.estimate("throughput").high or row.estimate("throughput").value for row in rows)
    for place, row in enumerate(reversed(rows)):
        rate = row.estimate("throughput")
        axes.barh(place, rate.value, color=BLUE if place else ORANGE, height=0.55)
        if rate.low is not None:
            axes.plot((rate.low, rate.high), (place, place), color=BLACK, linewidth=1.4)
        axes.text(longest * 1.02, place, f"{rate.value:.0f} a second, {row.server_busy:.0%} of both CPUs",
                  va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [row.label for row in reversed(rows)])
    axes.tick_params(left=False)
    axes.set_xlim(0, longest * 1.45)
    axes.set_xlabel("requests a second, each 5 ms of Python on the CPU")
    title(axes, wording.gil_message(scenario))
    return figure


def stall(summary: Summary):
    """Median to 99th percentile of the quick requests, on a log axis."""
    lesson = lessons.stall(summary)
    if lesson is None:
        return None
    rows = lessons.timed_rows(lesson.scenario)
    rows.sort(key=lambda row: lessons.mean(row, "classes", "fast", "response_ms", "p99"))
    figure, axes = plt.subplots(figsize=(WIDTH, 0.3 * len(rows) + 1.3))
    axes.set_xscale("log")
    for place, row in enumerate(rows):
        p50, p99 = (lessons.mean(row, "classes", "fast", "response_ms", name) for name in ("p50", "p99"))
        axes.plot((p50, p99), (place, place), color=GREY, linewidth=2)
        axes.plot(p50, place, "o", color=BLUE, markersize=6)
        axes.plot(p99, place, "D", color=ORANGE, markersize=6)
        axes.text(p99 * 1.15, place, f"{wording.number(p99)} ms", va="center", fontsize=8)
    place = len(rows) - 1
    for name, colour in (("p50", BLUE), ("p99", ORANGE)):
        axes.text(lessons.mean(rows[place], "classes", "fast", "response_ms", name), place + 0.35, name, ha="center",
                  fontsize=8, color=colour)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.tick_params(left=False)
    axes.set_ylim(-0.6, len(rows) + 0.1)
    low, high = axes.get_xlim()
    plain_time_ticks(axes, low, high * 2)
    axes.set_xlabel("response time of the quick requests, from when they were due")
    title(axes, lesson.message)
    return figure


def plain_time_ticks(axes, low: float, high: float) -> None:
    ticks = [10.0**power for power in range(-3, 6) if low <= 10.0**power <= high]
    axes.set_xlim(low, high)
    axes.set_xticks(ticks, [wording.time_tick(tick) for tick in ticks])
    axes.minorticks_off()


def starvation(summary: Summary):
    """What is never answered, beside what wrk prints about the same server."""
    lesson = lessons.starvation(summary)
    if lesson is None:
        return None
    rows = list(reversed(lessons.timed_rows(lesson.scenario)))
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 0.34 * len(rows) + 1.4), sharey=True)
    connections = lesson.scenario.source["load"]["connections"]
    for place, row in enumerate(rows):
        starved = lessons.mean(row, "starved_connections")
        left.barh(place, starved, color=ORANGE, height=0.6)
        left.text(starved, place, f" {starved:.0f}", va="center", fontsize=8)
        ours, theirs = lessons.mean(row, "response_ms", "p99"), lessons.wrk(row, "p99_ms")
        right.plot(theirs, place, "o", color=BLUE, markersize=6)
        right.plot(ours, place, "D", color=ORANGE, markersize=6)
        right.annotate(f"{lessons.at_least(row)}{wording.number(ours)} ms", (ours, place), (0, 6),
                       textcoords="offset points", ha="center", fontsize=8)
    left.set_yticks(range(len(rows)), [row.label for row in rows])
    left.set_xlim(0, connections)
    left.set_xlabel(f"of {connections} clients, never answered")
    right.set_xscale("log")
    low, high = right.get_xlim()
    plain_time_ticks(right, low / 2, high * 3)
    right.set_ylim(-0.5, len(rows) - 0.3)
    right.set_xlabel("p99: circle by wrk, diamond by corelab-load")
    for axes in (left, right):
        axes.tick_params(left=False)
    title(left, lesson.message)
    return figure


def latency_against_load(summary: Summary):
    """Small multiples: p50 and p99 against the share of capacity that is offered."""
    lesson = lessons.latency_against_load(summary)
    if lesson is None:
        return None
    rows = [row for row in lesson.scenario.rows if row.measured and row.trials]
    shares = lesson.scenario.source["load"]["shares"]
    figure, all_axes = plt.subplots(1, len(rows), figsize=(WIDTH, 2.9), sharey=True, squeeze=False)
    for axes, row in zip(all_axes[0], rows):
        for name, colour, marker in (("p50", BLUE, "o"), ("p99", ORANGE, "D")):
            points = [(share, lessons.step_figure(row, share, name)) for share in shares]
            points = [(share, value) for share, value in points if value is not None]
            axes.plot(*zip(*points), color=colour, marker=marker, markersize=4, linewidth=1.3)
            axes.annotate(name, points[0], (2, 5), textcoords="offset points", fontsize=8, color=colour)
        axes.set_yscale("log")
        axes.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_xticks([0, 0.5, 1], ["0", "50%", "100%"])
        axes.set_title(row.label, fontsize=9)
    low, high = all_axes[0][0].get_ylim()
    ticks = [10.0**power for power in range(-3, 6) if low <= 10.0**power <= high]
    all_axes[0][0].set_yticks(ticks, [wording.time_tick(tick) for tick in ticks])
    for axes in all_axes[0]:
        axes.minorticks_off()
    figure.supxlabel("offered load, as a share of what a closed loop reaches on this core", fontsize=9)
    title(all_axes[0][0], lesson.message)
    return figure
