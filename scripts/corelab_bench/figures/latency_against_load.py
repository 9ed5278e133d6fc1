"""Latency against offered load."""

from corelab_bench import wording
from corelab_bench.figures.style import BLUE, GREY, ORANGE, WIDTH, plt, title
from corelab_bench.lessons import latency_against_load
from corelab_bench.summary import Summary


def draw(summary: Summary):
    """Small multiples: p50 and p99 against the offered rate, the knee marked."""
    lesson = latency_against_load.lesson(summary)
    if lesson is None:
        return None
    rows = [row for row in lesson.scenario.rows if row.measured and row.trials]
    load = lesson.scenario.source["load"]
    shares, slo = load["shares"], load["slo_ms"]
    figure, all_axes = plt.subplots(1, len(rows), figsize=(WIDTH, 2.9), sharey=True, squeeze=False)
    for axes, row in zip(all_axes[0], rows):
        knee = row.estimate("saturation_rate").value
        for name, colour, marker in (("p50", BLUE, "o"), ("p99", ORANGE, "D")):
            points = [(share * knee, latency_against_load.step_figure(row, share, name)) for share in shares]
            points = [(rate, value) for rate, value in points if value is not None]
            if not points:
                continue
            axes.plot(*zip(*points), color=colour, marker=marker, markersize=4, linewidth=1.3)
            axes.annotate(name, points[0], (2, 5), textcoords="offset points", fontsize=8, color=colour)
        axes.set_yscale("log")
        axes.axvline(knee, color=GREY, linewidth=0.8, linestyle=":")
        axes.axhline(slo, color=GREY, linewidth=0.8, linestyle="--")
        axes.annotate(f"knee\n{knee:,.0f}/s", (knee, 0.02), xycoords=("data", "axes fraction"), ha="right", fontsize=8)
        axes.set_xlim(0, None)
        axes.set_title(row.label, fontsize=9)
    low, high = all_axes[0][0].get_ylim()
    ticks = [10.0**power for power in range(-3, 6) if low <= 10.0**power <= high]
    all_axes[0][0].set_yticks(ticks, [wording.time_tick(tick) for tick in ticks])
    for axes in all_axes[0]:
        axes.minorticks_off()
    figure.supxlabel(f"requests a second offered (dotted: the most that keep a 99th percentile of {slo:g} ms, the dashed line)", fontsize=9)
    title(all_axes[0][0], lesson.message)
    return figure
