"""Memory of the whole server."""

from corelab_bench import wording
from corelab_bench.figures.style import BLUE, WIDTH, plt, title
from corelab_bench.summary import Summary


def draw(summary: Summary):
    """What the whole server takes under the plain load."""
    scenario = summary.scenario("plaintext")
    rows = [row for row in scenario.rows if row.measured and row.memory("pss_bytes")] if scenario else []
    if not rows:
        return None
    rows.sort(key=lambda row: -row.memory("pss_bytes"))
    figure, axes = plt.subplots(figsize=(WIDTH, 0.27 * len(rows) + 1.1))
    longest = max(row.memory("pss_bytes") for row in rows)
    for place, row in enumerate(rows):
        pss = row.memory("pss_bytes")
        axes.barh(place, pss / 2**20, color=BLUE, height=0.6)
        axes.text(pss / 2**20, place, f" {wording.size(pss)}: {wording.count(row.memory('processes'), 'process')}, "
                  f"{wording.count(row.memory('threads'), 'thread')}", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.tick_params(left=False)
    axes.set_xlim(0, longest / 2**20 * 1.45)
    axes.set_xlabel("MiB of PSS under 64 connections (shared pages counted once)")
    title(axes, wording.process_memory_message(rows))
    return figure
