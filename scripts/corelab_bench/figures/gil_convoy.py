"""A quick route's times against the switch interval."""

from corelab_bench import wording
from corelab_bench.figures.style import BLUE, GREEN, GREY, ORANGE, WIDTH, plt, title
from corelab_bench.lessons import gil_convoy
from corelab_bench.summary import Summary


def draw(summary: Summary):
    lesson = gil_convoy.lesson(summary)
    if lesson is None:
        return None
    rows = gil_convoy.rows(lesson.scenario)
    threads = sorted((gil_convoy.switch_interval_ms(row), row) for row in rows if gil_convoy.switch_interval_ms(row))
    intervals = [interval for interval, _ in threads]
    figure, axes = plt.subplots(figsize=(WIDTH, 3.6))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.plot(intervals, intervals, color=GREY, linewidth=0.8, linestyle=":")
    axes.text(intervals[0] * 1.5, intervals[0] * 1.1, "one switch interval", color=GREY, fontsize=8, va="top")
    for name, read, colour, marker, above in (
            ("wait for the lock, p50", gil_convoy.wait, GREEN, "s", -11),
            ("response, p50", lambda row: row.estimate("p50_ms"), BLUE, "o", 0),
            ("response, p99", lambda row: row.estimate("p99_ms"), ORANGE, "D", 11)):
        points = [(interval, read(row).value) for interval, row in threads if read(row)]
        if points:
            axes.plot(*zip(*points), color=colour, marker=marker)
            axes.annotate(name, points[-1], (8, above), textcoords="offset points", va="center", fontsize=8, color=colour)
    for row in rows:
        if not gil_convoy.switch_interval_ms(row):
            p99 = row.estimate("p99_ms").value
            axes.axhline(p99, color=GREY, linewidth=0.8)
            axes.text(intervals[0] * 0.75, p99 * 1.06, f"{row.label}: p99 {wording.number(p99)} ms", fontsize=8)
    axes.set_xlim(intervals[0] * 0.7, intervals[-1] * 3)
    axes.set_xticks(intervals, [wording.time_tick(interval) for interval in intervals])
    low, high = axes.get_ylim()
    ticks = [10.0**power for power in range(-2, 5) if low <= 10.0**power <= high]
    axes.set_yticks(ticks, [wording.time_tick(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("switch interval (sys.setswitchinterval)")
    axes.set_ylabel("quick requests")
    title(axes, lesson.message)
    return figure
