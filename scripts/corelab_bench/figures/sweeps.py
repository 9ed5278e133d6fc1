"""One parameter at a time: small multiples."""

import math
import textwrap

from corelab_bench import sweeps
from corelab_bench.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, WIDTH, plt, title
from corelab_bench.summary import Summary, metric_name

COLUMNS = 2
# The shape says the same as the colour.
LOOKS = ((BLUE, "o", "-"), (ORANGE, "D", "--"), (GREEN, "^", ":"), (BLACK, "s", "-."))
LETTERS = 52
BEHIND_TEXT = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8}


def draw(summary: Summary):
    """The metric against the parameter, a panel a scenario. The values stand evenly: some begin at none."""
    found = sweeps.all_sweeps(summary)
    if not found:
        return None
    lines = math.ceil(len(found) / COLUMNS)
    figure, axes = plt.subplots(lines, COLUMNS, figsize=(WIDTH, 2.7 * lines + 0.4), squeeze=False)
    for panel in axes.flat[len(found):]:
        panel.axis("off")
    for panel, sweep in zip(axes.flat, found):
        draw_panel(panel, sweep)
    steepest = max(found, key=span)
    title(axes[0][0], capital(steepest.message))
    return figure


def draw_panel(panel, sweep: sweeps.Sweep) -> None:
    places = {value: place for place, value in enumerate(sweep.values)}
    highest = max(sweep.series.values(), key=lambda line: line[-1].figure.value)
    for (name, line), (colour, marker, style) in zip(sweep.series.items(), LOOKS):
        at, values = [places[point.value] for point in line], [point.figure.value for point in line]
        panel.plot(at, values, color=colour, marker=marker, linestyle=style, markersize=5, linewidth=1.3)
        for place, point in zip(at, line):
            if point.figure.low is not None:
                panel.plot((place, place), (point.figure.low, point.figure.high), color=colour, linewidth=1)
        panel.annotate(name, (at[-1], values[-1]), (-4, 9 if line is highest else -13), textcoords="offset points",
                       ha="right", fontsize=8, color=colour, bbox=BEHIND_TEXT)
    values = [point.figure.value for line in sweep.series.values() for point in line]
    if max(values) > 8 * min(values):
        panel.set_yscale("log")
        ticks = [mantissa * 10.0**power for power in range(-3, 7) for mantissa in (1, 3)]
        panel.set_ylim(min(values) / 2, max(values) * 2.5)
        ticks = [tick for tick in ticks if min(values) / 2 <= tick <= max(values) * 2.5]
        panel.set_yticks(ticks, [f"{tick:,g}" for tick in ticks])
        panel.minorticks_off()
    else:
        panel.set_ylim(0, max(values) * 1.25)
    panel.set_xticks(range(len(places)), [f"{value:,g}" for value in places])
    panel.set_xlim(-0.3, len(places) - 0.6)
    panel.set_xlabel(sweep.parameter, fontsize=8)
    unit = {" µs": ", µs", " ms": ", ms"}.get(sweep.unit, "")
    panel.set_ylabel("\n".join(textwrap.wrap(metric_name(sweep.metric) + unit, LETTERS // 2)), fontsize=8)
    panel.set_title("\n".join(textwrap.wrap(sweep.scenario.title, LETTERS)), fontsize=9)
    panel.grid(axis="y", color=GREY, alpha=0.25, linewidth=0.6)


def span(sweep: sweeps.Sweep) -> float:
    """How far the parameter moves a series, at most, in either direction."""
    return max(abs(math.log(line[-1].figure.value / line[0].figure.value)) for line in sweep.series.values())


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
