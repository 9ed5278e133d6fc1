"""Idle keep-alives starve a pool."""

from corelab_bench import wording
from corelab_bench.figures.style import BLUE, ORANGE, WIDTH, plain_time_ticks, plt, title
from corelab_bench.lessons import starvation
from corelab_bench.lessons.lesson import mean, timed_rows
from corelab_bench.summary import Summary


def draw(summary: Summary):
    """What is never answered, beside what wrk prints about the same server."""
    lesson = starvation.lesson(summary)
    if lesson is None:
        return None
    rows = list(reversed(timed_rows(lesson.scenario)))
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 0.34 * len(rows) + 1.4), sharey=True)
    connections = lesson.scenario.source["load"]["connections"]
    for place, row in enumerate(rows):
        starved = mean(row, "starved_connections")
        left.barh(place, starved, color=ORANGE, height=0.6)
        left.text(starved, place, f" {starved:.0f}", va="center", fontsize=8)
        ours, theirs = mean(row, "response_ms", "p99"), starvation.wrk(row, "p99_ms")
        right.plot(theirs, place, "o", color=BLUE, markersize=6)
        right.plot(ours, place, "D", color=ORANGE, markersize=6)
        right.annotate(f"{starvation.at_least(row)}{wording.number(ours)} ms", (ours, place), (0, 6),
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
