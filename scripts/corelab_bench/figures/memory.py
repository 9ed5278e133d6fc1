"""Memory against idle connections."""

from corelab_bench import wording
from corelab_bench.figures.style import BLACK, BLUE, WIDTH, plt, title
from corelab_bench.summary import Summary


def draw(summary: Summary):
    """Memory against idle connections, both axes logarithmic: PSS above the empty server."""
    scenario = summary.scenario("idle-memory")
    rows = [row for row in scenario.rows if row.measured] if scenario else []
    curves = {row.label: idle_curve(row) for row in rows}
    curves = {label: curve for label, curve in curves.items() if len(curve) > 1}
    if not curves:
        return None
    figure, axes = plt.subplots(figsize=(WIDTH, 4.2))
    labels = []
    for (label, curve), marker in zip(curves.items(), "oDs^vPX*" * 3):
        x, y = zip(*curve)
        axes.plot(x, y, marker=marker, markersize=5, linewidth=1.4, color=BLACK if "thread" in label else BLUE)
        labels.append((y[-1], label, x[-1]))
    axes.set_xscale("log")
    axes.set_yscale("log")
    place = 0.0
    for y, label, x in sorted(labels):
        place = max(y, place * 1.45)  # labels must not lie on each other
        axes.annotate(label, (x, y), (x * 1.12, place), fontsize=8, va="center")
    counts = sorted({x for curve in curves.values() for x, _ in curve})
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.set_xlim(min(counts) * 0.9, max(counts) * 2.6)
    low, high = min(y for curve in curves.values() for _, y in curve), max(place, max(labels)[0])
    ticks = [(1, 10, 100)[step % 3] * 2.0 ** (10 * (step // 3)) for step in range(12)]
    ticks = [tick for tick in ticks if low / 3 <= tick <= high * 3]
    axes.set_ylim(low / 2, high * 2)
    axes.set_yticks(ticks, [wording.tick(tick) for tick in ticks])
    axes.set_xlabel("idle keep-alive connections")
    axes.set_ylabel("PSS above the empty server")
    title(axes, wording.memory_message(scenario))
    return figure


def idle_curve(row) -> list[tuple[int, float]]:
    """(connections, median PSS above that of none) for each step that all connections reached."""
    by_count: dict[int, list[float]] = {}
    for trial in row.trials:
        steps = trial["steps"]
        if steps[0]["asked"] != 0:
            continue
        for step in steps[1:]:
            if step["open"] == step["asked"]:
                by_count.setdefault(step["asked"], []).append(step["pss_bytes"] - steps[0]["pss_bytes"])
    middles = {count: sorted(values)[len(values) // 2] for count, values in by_count.items()}
    return sorted((count, value) for count, value in middles.items() if value > 0)
