"""Throughput against threads and processes, under an interpreter lock."""

from corelab_bench import wording
from corelab_bench.figures.style import BLUE, GREY, ORANGE, WIDTH, plt, title
from corelab_bench.lessons import gil_threads
from corelab_bench.summary import Summary

LOOKS = {"threads": (BLUE, "o", "-"), "processes": (ORANGE, "D", "--")}


def draw(summary: Summary):
    """As multiples of one, computing and sleeping side by side; the diagonal is what parallel would give."""
    lesson = gil_threads.lesson(summary)
    if lesson is None:
        return None
    scenarios = [(name, summary.scenario(name)) for name in (gil_threads.COMPUTES, gil_threads.SLEEPS)]
    panels = [(name, scenario) for name, scenario in scenarios if scenario is not None]
    figure, all_axes = plt.subplots(1, len(panels), figsize=(WIDTH, 3.4), sharey=True, squeeze=False)
    for axes, (name, scenario) in zip(all_axes[0], panels):
        axes.plot((1, 8), (1, 8), color=GREY, linewidth=0.8, linestyle=":")
        axes.text(7.6, 7.9, "in parallel", color=GREY, fontsize=8, ha="right")
        for place, (kind, (_, counts)) in enumerate(gil_threads.KINDS.items()):
            points = [(count, gil_threads.gain(scenario, kind, count)) for count in counts]
            points = [(count, gain) for count, gain in points if gain is not None]
            if not points:
                continue
            colour, marker, line = LOOKS[kind]
            xs, ys = [count for count, _ in points], [gain.value for _, gain in points]
            axes.plot(xs, ys, line, color=colour, marker=marker)
            for count, gain in points:
                if gain.low is not None:
                    axes.plot((count, count), (gain.low, gain.high), color=colour, linewidth=1.2)
            axes.annotate(kind, (xs[-1], ys[-1]), (0, 8 - 22 * place * (name == gil_threads.SLEEPS)),
                          textcoords="offset points", ha="center", fontsize=8, color=colour)
        axes.set_xticks((1, 2, 4, 8))
        axes.set_xlabel(f"threads or processes; each request {'computes' if name == gil_threads.COMPUTES else 'sleeps'}")
    all_axes[0][0].set_ylabel("throughput, of one")
    all_axes[0][0].set_ylim(0, 9)
    title(all_axes[0][0], lesson.message)
    return figure
