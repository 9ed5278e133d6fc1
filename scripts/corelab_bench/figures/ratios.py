"""Every headline scenario as a forest plot."""

import textwrap

from corelab_bench import wording
from corelab_bench.analysis import Interval
from corelab_bench.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, WIDTH, plt
from corelab_bench.summary import ScenarioSummary, Summary

TITLE_LETTERS = 64  # over the axes alone
WORD_STYLE = {"ahead": (BLUE, "^"), "behind": (ORANGE, "v"), "tie": (GREEN, "o"), "reference": (BLACK, "D")}


def draw(summary: Summary):
    """A forest plot for each headline scenario: ratio to the reference with its interval, and the A/A band."""
    shown = [scenario for scenario in summary.scenarios if scenario.headline
             and any(row.ratio for row in scenario.rows)]
    if not shown:
        return None
    heights = [len(scenario.rows) for scenario in shown]
    figure, all_axes = plt.subplots(len(shown), 1, figsize=(WIDTH, 0.24 * sum(heights) + 0.85 * len(shown) + 0.3),
                                    gridspec_kw={"height_ratios": heights}, squeeze=False)
    for axes, scenario in zip(all_axes[:, 0], shown):
        forest(axes, scenario)
    figure.suptitle("Every core against the event loop, within the same blocks (right is better)", x=0.01,
                    ha="left", fontsize=10)
    return figure


def forest(axes, scenario: ScenarioSummary) -> None:
    rows = list(reversed(scenario.rows))
    measured = [row for row in rows if row.ratio is not None]
    edges = [edge for row in measured for edge in ends(row.ratio)]
    axes.set_xscale("log")
    low, high = min(edges + [0.8]) / 1.15, max(edges + [1.25]) * 1.15
    axes.set_xlim(low, high * (high / low) ** 0.25)  # the right quarter holds the numbers
    axes.axvspan(1 / scenario.band.factor, scenario.band.factor, color=GREY, alpha=0.25, linewidth=0)
    axes.axvline(1, color=GREY, linewidth=0.8)
    for place, row in enumerate(rows):
        if row.ratio is None:
            axes.text(1, place, f"  {row.word}", va="center", color=BLACK, fontsize=8)
            continue
        colour, marker = WORD_STYLE.get(row.word, (GREY, "s"))
        axes.plot(ends(row.ratio), (place, place), color=colour, linewidth=2, solid_capstyle="butt")
        axes.plot(row.ratio.value, place, marker, color=colour, markersize=6)
        axes.text(high, place, f" {wording.number(row.ratio.value)}×  {row.word}", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.tick_params(left=False)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    plain_log_ticks(axes, low, high)
    what = f"{scenario.name}, {wording.metric_name(scenario.compare)}"
    axes.set_title("\n".join(textwrap.wrap(f"{what}: {wording.message(scenario)}", TITLE_LETTERS)), fontweight="bold")


def ends(value: Interval) -> tuple[float, float]:
    """Both ends of an interval, or the value twice where there is none."""
    return (value.value, value.value) if value.low is None else (value.low, value.high)


def plain_log_ticks(axes, low: float, high: float) -> None:
    steps = (1, 2, 5) if high / low > 6 else (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 4)
    decades = range(-4, 7) if high / low > 6 else (0,)
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    ticks = [tick for tick in ticks if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}×" for tick in ticks])
    axes.minorticks_off()
