"""CPU time a request."""

from corelab_bench import wording
from corelab_bench.figures.style import BLACK, BLUE, GREY, WIDTH, plt, title
from corelab_bench.summary import Summary


def draw(summary: Summary):
    """CPU time a request, user and system stacked, with the budget where a row has one."""
    scenario = summary.scenario("cost-plaintext")
    rows = [row for row in scenario.rows if row.measured and row.estimate("cpu_us")] if scenario else []
    if not rows:
        return None
    rows.sort(key=lambda row: -row.estimate("cpu_us").value)
    figure, axes = plt.subplots(figsize=(WIDTH, 0.3 * len(rows) + 1.1))
    longest = max(row.estimate("cpu_us").high or row.estimate("cpu_us").value for row in rows)
    for place, row in enumerate(rows):
        whole = row.estimate("cpu_us")
        split = row.user_share is not None
        user = whole.value * (row.user_share or 0)
        axes.barh(place, user, color=BLUE, height=0.62)
        axes.barh(place, whole.value - user, left=user, color="#A6CEE3" if split else GREY, height=0.62, hatch="///" if split else "",
                  edgecolor="white", linewidth=0)
        if whole.low is not None:
            axes.plot((whole.low, whole.high), (place, place), color=BLACK, linewidth=1.2)
        text = f"{whole.value:.2f} µs" + ("" if split else " (user and system unknown)")
        for budget in scenario.budgets:
            if budget.entry == row.label and budget.figure is not None and "floor" in budget.text:
                text += f"   {budget.figure.value:.2f}× its floor (budget {budget.limit})"
        axes.text(longest * 1.02, place, text, va="center", fontsize=8)
    top = len(rows) - 1
    first = rows[top].estimate("cpu_us").value * (rows[top].user_share or 0)
    axes.text(first / 2, top + 0.5, "user", ha="center", fontsize=8, color=BLUE)
    axes.text((first + rows[top].estimate("cpu_us").value) / 2, top + 0.5, "system", ha="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.tick_params(left=False)
    axes.set_xlim(0, longest * 1.9)
    axes.set_ylim(-0.6, len(rows) + 0.2)
    axes.set_xlabel("µs of CPU time a request (line: interval of the mean)")
    title(axes, wording.cost_message(scenario))
    return figure
