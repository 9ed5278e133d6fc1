"""What handing work to another thread costs, and what it buys."""

from corelab_bench import wording
from corelab_bench.figures.style import BLUE, GREY, ORANGE, WIDTH, plt, title
from corelab_bench.lessons import offload
from corelab_bench.summary import Summary


def draw(summary: Summary):
    """Two panels: CPU time a request in place and handed over; answers a second when the work blocks."""
    lesson = offload.lesson(summary)
    if lesson is None:
        return None
    prices = offload.changes(summary, offload.PRICES, "cpu_us")
    gains = offload.changes(summary, offload.GAINS, "throughput")
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(WIDTH, 0.42 * len(prices + gains) + 1.9),
                                         gridspec_kw={"height_ratios": [len(prices), len(gains)]})
    for axes, changes, colour, text in ((top, prices, ORANGE, "µs of CPU time a request"),
                                        (bottom, gains, BLUE, "answers a second")):
        pairs(axes, changes, colour)
        axes.set_xlabel(f"{text}: circle in place, diamond handed over")
    title(top, lesson.message)
    return figure


def pairs(axes, changes: list[offload.Change], colour: str) -> None:
    longest = max(row.estimate(change.metric).value for change in changes for row in (change.before, change.after))
    for place, change in enumerate(reversed(changes)):
        before, after = (row.estimate(change.metric).value for row in (change.before, change.after))
        axes.plot((before, after), (place, place), color=GREY, linewidth=2)
        axes.plot(before, place, "o", color=GREY, markersize=6)
        axes.plot(after, place, "D", color=colour, markersize=6)
        axes.text(max(before, after) + longest * 0.025, place, f"{wording.number(change.ratio.value)}×", va="center",
                  fontsize=8)
    axes.set_yticks(range(len(changes)), [change.what for change in reversed(changes)])
    axes.tick_params(left=False)
    axes.set_xlim(0, longest * 1.15)
    axes.set_ylim(-0.6, len(changes) - 0.4)
