"""Memory by workers, split into private and shared."""

from corelab_bench import wording
from corelab_bench.figures.style import BLUE, GREY, WIDTH, plt, title
from corelab_bench.lessons import process_cost
from corelab_bench.summary import Summary


def draw(summary: Summary):
    """A bar an entry: what its processes have each for themselves, and what they share."""
    lesson = process_cost.lesson(summary)
    if lesson is None:
        return None
    rows = list(reversed(process_cost.memory_rows(summary)))
    figure, axes = plt.subplots(figsize=(WIDTH, 0.3 * len(rows) + 1.2))
    for place, row in enumerate(rows):
        private, shared = process_cost.figure(row, "private_bytes") / 2**20, process_cost.shared(row) / 2**20
        axes.barh(place, private, color=BLUE, height=0.6)
        axes.barh(place, shared, left=private, color=GREY, height=0.6, hatch="//", edgecolor="white")
        axes.text(private + shared, place, f" {wording.size((private + shared) * 2**20)}", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.tick_params(left=False)
    axes.margins(x=0.15)
    axes.set_xlabel("MiB of PSS; plain: private, hatched: shared")
    title(axes, lesson.message)
    return figure
