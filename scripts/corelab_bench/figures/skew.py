"""Connections by worker, against the binomial."""

from collections import Counter

from corelab_bench import multinomial
from corelab_bench.figures.style import BLACK, BLUE, WIDTH, plt, title
from corelab_bench.lessons import skew
from corelab_bench.summary import Summary


def draw(summary: Summary):
    """How often a worker had how many connections: bars measured, line the binomial."""
    lesson = skew.lesson(summary)
    if lesson is None:
        return None
    rows = skew.balance_rows(summary)
    connections, workers = skew.shape(rows[0])
    figure, panels = plt.subplots(1, len(rows), figsize=(WIDTH, 2.6), sharey=True, squeeze=False)
    expected = multinomial.share_probabilities(connections, workers)
    for axes, row in zip(panels[0], rows):
        counts = Counter(count for opening in skew.openings(row) for count in opening["connections"])
        total = sum(counts.values())
        axes.bar(list(counts), [count / total for count in counts.values()], color=BLUE, width=0.8)
        axes.plot(range(connections + 1), expected, color=BLACK, linewidth=1.2, linestyle="--")
        axes.set_xlim(0, 2.2 * connections / workers)
        axes.set_title(row.label, fontsize=8)
    panels[0][0].set_ylabel("share of workers")
    figure.supxlabel(f"connections of a worker, of {connections}; bars measured, dashes the binomial", fontsize=9)
    title(panels[0][0], lesson.message)
    return figure
