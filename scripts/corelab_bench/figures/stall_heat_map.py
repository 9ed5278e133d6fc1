"""Lesson stall over time: when which response times were seen, and the distribution that theory predicts."""

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm

from corelab_bench import wording
from corelab_bench.figures.style import BLACK, BLUE, ORANGE, WIDTH, plt, title
from corelab_bench.lessons import stall, stall_requests
from corelab_bench.scenarios import TimedLoad
from corelab_bench.summary import Summary

TIME_BINS = 40
BINS_A_DECADE = 8
MANY = 12  # requests in one cell: black


def draw(summary: Summary):
    """A row an entry: time × response time of the quick requests, and beside it their distribution."""
    entries = stall_requests.traced(summary) if stall.lesson(summary) else []
    if not entries:
        return None
    load = TimedLoad(**summary.scenario(stall_requests.SCENARIO).source["load"])
    predicted = stall.mean_wait_ms(load)
    low, high = limits(entries)
    levels = np.logspace(np.log10(low), np.log10(high), 1 + round(BINS_A_DECADE * np.log10(high / low)))
    figure, grid = plt.subplots(len(entries), 2, figsize=(WIDTH, 1.75 * len(entries) + 0.8), sharey=True, squeeze=False,
                                gridspec_kw={"width_ratios": [3, 1]})
    for (over_time, shares), entry in zip(grid, entries):
        due = np.array([request["due"] for request in entry.quick]) / 1e3
        times = np.linspace(0, entry.seconds, TIME_BINS + 1)
        counts, *_ = np.histogram2d(due, entry.response_ms, bins=(times, levels))
        cells(over_time, times, levels, counts)
        over_time.set_xlim(0, entry.seconds)
        over_time.set_title(entry.label, fontsize=9)
        ordered = np.sort(entry.response_ms)
        shares.step(np.arange(1, len(ordered) + 1) / len(ordered), ordered, color=BLUE, where="post", linewidth=1.5)
        shares.text(0.03, high * 0.75, "measured", color=BLUE, fontsize=7.5, va="top")
        if entry.is_one_server:
            over_time.axhline(predicted, color=ORANGE, linestyle="--", linewidth=1.4)
            over_time.text(entry.seconds * 1.005, predicted, "predicted\nmean", color=BLACK, fontsize=7, va="center",
                           clip_on=False)
            draw_prediction(shares, load, levels[0], high)
    for axes in grid[:, 0]:
        axes.set_yscale("log")
        axes.set_ylim(low, high)
        ticks = [10.0**power for power in range(-3, 5) if low <= 10.0**power <= high]
        axes.set_yticks(ticks, [wording.time_tick(tick) for tick in ticks])
        axes.minorticks_off()
    for axes in grid[:-1, :].flat:
        axes.set_xticklabels([])
    for axes in grid[:, 1]:
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.5, 1], ["0", "50%", "100%"] if axes is grid[-1, 1] else ["", "", ""])
    grid[-1, 0].set_xlabel("seconds into the pass (darker: more quick requests)")
    grid[-1, 1].set_xlabel("share answered within")
    title(grid[0, 0], stall_requests.heat_map_message(entries, predicted))
    return figure


def cells(axes, times: np.ndarray, levels: np.ndarray, counts: np.ndarray) -> None:
    """Those that hold a request; the empty ones would make most of the file."""
    filled = np.argwhere(counts > 0)
    corners = [[(times[x], levels[y]), (times[x + 1], levels[y]), (times[x + 1], levels[y + 1]),
                (times[x], levels[y + 1])] for x, y in filled]
    shades = LogNorm(0.4, MANY)  # a single request is seen as well
    axes.add_collection(PolyCollection(corners, array=counts[counts > 0].clip(max=MANY), cmap="Greys", norm=shades))


def limits(entries: list) -> tuple[float, float]:
    """Whole decades around all response times."""
    every = np.concatenate([entry.response_ms for entry in entries])
    return 10 ** np.floor(np.log10(max(every.min(), 0.01))), 10 ** np.ceil(np.log10(every.max()))


def draw_prediction(axes, load: TimedLoad, low: float, high: float) -> None:
    times = np.logspace(np.log10(low), np.log10(high), 200)
    shares = stall_requests.share_waiting_at_most(load, times)
    if shares is not None:
        axes.plot(shares, times, color=ORANGE, linestyle="--", linewidth=1.4)
        axes.text(0.03, high * 0.3, "dashed: wait\nin theory", fontsize=7.5, va="top")
