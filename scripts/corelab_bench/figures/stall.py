"""A blocking handler stalls a loop."""

from corelab_bench import wording
from corelab_bench.figures.style import BLUE, GREY, ORANGE, WIDTH, plain_time_ticks, plt, title
from corelab_bench.lessons import stall
from corelab_bench.lessons.lesson import mean, timed_rows
from corelab_bench.summary import Summary


def draw(summary: Summary):
    """Median to 99th percentile of the quick requests, on a log axis."""
    lesson = stall.lesson(summary)
    if lesson is None:
        return None
    rows = timed_rows(lesson.scenario)
    rows.sort(key=lambda row: mean(row, "classes", "fast", "response_ms", "p99"))
    figure, axes = plt.subplots(figsize=(WIDTH, 0.3 * len(rows) + 1.3))
    axes.set_xscale("log")
    for place, row in enumerate(rows):
        p50, p99 = (mean(row, "classes", "fast", "response_ms", name) for name in ("p50", "p99"))
        axes.plot((p50, p99), (place, place), color=GREY, linewidth=2)
        axes.plot(p50, place, "o", color=BLUE, markersize=6)
        axes.plot(p99, place, "D", color=ORANGE, markersize=6)
        axes.text(p99 * 1.15, place, f"{wording.number(p99)} ms", va="center", fontsize=8)
    place = len(rows) - 1
    for name, colour in (("p50", BLUE), ("p99", ORANGE)):
        axes.text(mean(rows[place], "classes", "fast", "response_ms", name), place + 0.35, name, ha="center",
                  fontsize=8, color=colour)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.tick_params(left=False)
    axes.set_ylim(-0.6, len(rows) + 0.1)
    low, high = axes.get_xlim()
    plain_time_ticks(axes, low, high * 2)
    axes.set_xlabel("response time of the quick requests, from when they were due")
    title(axes, lesson.message)
    return figure
