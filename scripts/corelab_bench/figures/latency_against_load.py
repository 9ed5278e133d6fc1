"""Latency against offered load."""

from corelab_bench import wording
from corelab_bench.figures.style import BLUE, GREY, ORANGE, WIDTH, plt, title
from corelab_bench.lessons import latency_against_load
from corelab_bench.summary import Summary


def draw(summary: Summary):
    """Small multiples: p50 and p99 against the share of capacity that is offered."""
    lesson = latency_against_load.lesson(summary)
    if lesson is None:
        return None
    rows = [row for row in lesson.scenario.rows if row.measured and row.trials]
    shares = lesson.scenario.source["load"]["shares"]
    figure, all_axes = plt.subplots(1, len(rows), figsize=(WIDTH, 2.9), sharey=True, squeeze=False)
    for axes, row in zip(all_axes[0], rows):
        for name, colour, marker in (("p50", BLUE, "o"), ("p99", ORANGE, "D")):
            points = [(share, latency_against_load.step_figure(row, share, name)) for share in shares]
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
