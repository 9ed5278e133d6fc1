"""Two threads of one process against two processes."""

from corelab_bench import wording
from corelab_bench.figures.style import BLACK, BLUE, ORANGE, WIDTH, plt, title
from corelab_bench.summary import Summary


def draw(summary: Summary):
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
