"""A kill, as its clients see it."""

from corelab_bench.figures.style import BLUE, GREY, ORANGE, WIDTH, plt, title
from corelab_bench.lessons import processes
from corelab_bench.summary import Summary


def draw(summary: Summary):
    """The median trial's timeline, an entry a line: answered, late, lost."""
    lesson = processes.lesson(summary)
    if lesson is None:
        return None
    rows = list(reversed(processes.crash_rows(lesson.scenario)))
    figure, axes = plt.subplots(figsize=(WIDTH, 0.36 * len(rows) + 1.4))
    for place, row in enumerate(rows):
        by_loss = sorted(row.trials, key=lambda trial: sum(trial["crash"]["lost"].values()))
        crash = by_loss[(len(by_loss) - 1) // 2]["crash"]
        times = [(number + 0.5) * crash["bin_seconds"] - crash["hit_seconds"] for number in range(len(crash["bins"]))]
        for kind, (colour, marker) in enumerate(((BLUE, "."), (GREY, "s"), (ORANGE, "x"))):
            seen = [time for time, counts in zip(times, crash["bins"]) if counts[kind]]
            axes.plot(seen, [place - 0.15 * kind] * len(seen), marker, color=colour, markersize=4)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.tick_params(left=False)
    axes.set_ylim(-0.7, len(rows) - 0.4)
    axes.set_xlabel("seconds from the kill to when a request was due; dot: answered, square: late, cross: lost")
    title(axes, lesson.message)
    return figure
