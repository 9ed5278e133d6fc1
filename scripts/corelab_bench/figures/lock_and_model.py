"""Answers a second in C++ and in Python on the same cores: quick, computing and waiting ones side by side."""

from corelab_bench import wording
from corelab_bench.figures.style import BLACK, BLUE, GREY, ORANGE, WIDTH, plt, title
from corelab_bench.lessons import lock_and_model
from corelab_bench.summary import Summary

PANELS = ((lock_and_model.HELLO, "hello"), (lock_and_model.COMPUTES, "computes 2 ms"),
          (lock_and_model.WAITS, "waits 20 ms"))


def look(name: str) -> tuple[str, str, str]:
    """Colour, shape and filling: C++, Python on our cores, Python's own servers."""
    if name.startswith("C++"):
        return BLUE, "o", BLUE
    return (ORANGE, "D", ORANGE) if "," in name else (ORANGE, "D", "white")


def draw(summary: Summary):
    lesson = lock_and_model.lesson(summary)
    if lesson is None:
        return None
    names = lock_and_model.ways(summary)[::-1]
    panels = [(text, lock_and_model.rows(summary.scenario(name))) for name, text in PANELS if summary.scenario(name)]
    figure, all_axes = plt.subplots(1, len(panels), figsize=(WIDTH, 0.3 * len(names) + 1.5), sharey=True, squeeze=False)
    for axes, (text, rows) in zip(all_axes[0], panels):
        axes.set_xscale("log")
        for place, name in enumerate(names):
            rate = rows[name].estimate("throughput") if name in rows and rows[name].measured else None
            if rate is None:
                continue
            colour, marker, filling = look(name)
            if rate.low is not None:
                axes.plot((rate.low, rate.high), (place, place), color=BLACK, linewidth=1.2)
            axes.plot(rate.value, place, marker, color=colour, markerfacecolor=filling)
            axes.annotate(wording.number(rate.value), (rate.value, place), (6, 0), textcoords="offset points",
                          va="center", fontsize=8)
        low, high = axes.get_xlim()
        low, high = low / 1.2, high * 4
        axes.set_xlim(low, high)
        steps = (1,) if high / low > 200 else (1, 2, 5)
        ticks = [step * 10**power for power in range(8) for step in steps if low <= step * 10**power <= high / 1.5]
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
        axes.grid(axis="x", color=GREY, linewidth=0.3)
        axes.set_xlabel(text)
        axes.tick_params(left=False)
    all_axes[0][0].set_yticks(range(len(names)), names)
    figure.supxlabel("answers a second (round: C++; diamonds: Python, hollow on its own servers; "
                     "line: interval of the mean)", fontsize=8)
    title(all_axes[0][0], lesson.message)
    return figure
