"""Context switches a request."""

from corelab_bench import wording
from corelab_bench.figures.style import GREEN, ORANGE, WIDTH, plt, title
from corelab_bench.summary import Summary


def draw(summary: Summary):
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
