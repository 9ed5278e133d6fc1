"""Lesson stall, request by request: who waits while one handler blocks."""

from corelab_bench.figures.style import BLUE, GREY, ORANGE, WIDTH, plt, title
from corelab_bench.lessons import stall, stall_requests
from corelab_bench.summary import Summary

SHORTEST_MS = 0.6  # a handler of microseconds must still be seen


def draw(summary: Summary):
    """A panel an entry, the same arrivals in each: a line a request, from when it was due to its answer."""
    entries = stall_requests.traced(summary) if stall.lesson(summary) else []
    if not entries:
        return None
    begin, end = stall_requests.window(entries)
    figure, grid = plt.subplots(1, len(entries), figsize=(WIDTH, 4.2), sharex=True, sharey=True, squeeze=False)
    for axes, entry in zip(grid[0], entries):
        shown = [request for request in entry.requests if begin <= request["due"] <= end and "answered" in request]
        for place, request in enumerate(shown):
            line(axes, place, request)
        axes.set_title(entry.label, fontsize=9)
        axes.set_xlim(begin, end)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    grid[0, 0].invert_yaxis()
    grid[0, 0].set_ylabel("requests, in the order in which they were due")
    figure.supxlabel("ms into the pass. Thin grey: due, not yet in its handler (client's clock to server's trace); "
                     "blue: a quick handler;\norange, hatched: one that blocks; dot: answered", fontsize=8)
    title(grid[0, 0], stall_requests.gantt_message(entries))
    return figure


def line(axes, place: int, request: dict) -> None:
    quick = request["class"] == stall_requests.QUICK
    axes.plot((request["due"], request["answered"]), (place, place), color=GREY, linewidth=0.9)
    if "handler" in request:
        started, ended, _ = request["handler"]
        axes.barh(place, max(ended - started, SHORTEST_MS), left=started, height=0.75, color=BLUE if quick else ORANGE,
                  hatch="" if quick else "////", edgecolor="white", linewidth=0)
    axes.plot(request["answered"], place, ".", color=BLUE if quick else ORANGE, markersize=2.5)
