"""CPU time a request of one Python application, by server."""

from corelab_bench import wording
from corelab_bench.figures.style import BLACK, BLUE, GREY, ORANGE, WIDTH, plt, title
from corelab_bench.lessons import wsgi_servers
from corelab_bench.summary import Summary


def draw(summary: Summary):
    lesson = wsgi_servers.lesson(summary)
    if lesson is None:
        return None
    rows = sorted(wsgi_servers.measured(lesson.scenario), key=lambda row: -row.estimate("cpu_us").value)
    bare = {row.label: row for row in wsgi_servers.measured(summary.scenario("wsgi-bare"))}
    figure, axes = plt.subplots(figsize=(WIDTH, 0.28 * len(rows) + 1.3))
    axes.set_xscale("log")
    for place, row in enumerate(rows):
        for one, colour, marker in ((bare.get(row.label), ORANGE, "D"), (row, BLUE, "o")):
            cost = one.estimate("cpu_us") if one else None
            if cost is None:
                continue
            if cost.low is not None:
                axes.plot((cost.low, cost.high), (place, place), color=BLACK, linewidth=1.2)
            peer = wsgi_servers.is_peer(summary, one)
            axes.plot(cost.value, place, marker, color=colour, markerfacecolor="white" if peer else colour)
            axes.annotate(f"{wording.number(cost.value)} µs", (cost.value, place), (7, 0),
                          textcoords="offset points", va="center", fontsize=8)
    top = len(rows) - 1
    axes.text(rows[top].estimate("cpu_us").value, top + 0.45, "Flask", color=BLUE, fontsize=8, ha="center")
    if rows[top].label in bare:
        axes.text(bare[rows[top].label].estimate("cpu_us").value, top + 0.45, "bare callable", color=ORANGE, fontsize=8,
                  ha="center")
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.tick_params(left=False)
    axes.set_ylim(-0.6, len(rows) + 0.2)
    low, high = axes.get_xlim()
    ticks = [tick for tick in (5, 10, 20, 50, 100, 200, 500, 1000, 2000) if low <= tick <= high * 1.4]
    axes.set_xlim(low, high * 1.4)
    axes.set_xticks(ticks, [f"{tick} µs" for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="x", color=GREY, linewidth=0.3)
    axes.set_xlabel("CPU time a request (filled: our cores; hollow: Python servers; line: interval of the mean)")
    title(axes, lesson.message)
    return figure
