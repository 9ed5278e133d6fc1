"""Two runs side by side: what changed, by how much, and whether that is more than the runs differ by themselves.

Blocks of different runs are not pairs, so a drift of the machine between the runs is in the ratio: an entry is compared
by its own figure, and by its ratio to the reference of its run, in which such a drift cancels. A run that is repeated
should give intervals of that ratio that overlap: how many do is the last line.
"""

from dataclasses import dataclass
from pathlib import Path

from corelab_bench import analysis, wording
from corelab_bench.scenarios import LOWER_IS_BETTER
from corelab_bench.summary import ScenarioSummary, load_run, metric_name


OVERLAP_WORDS = {True: "overlap", False: "apart", None: "too few blocks"}


@dataclass(frozen=True)
class Compared:
    scenario: str
    entry: str
    metric: str
    before: analysis.Interval
    after: analysis.Interval
    change: analysis.Interval  # after over before, of the figure itself
    relative: analysis.Interval | None  # the same of its ratio to the reference; None for the reference
    word: str
    ratios: tuple[analysis.Interval | None, analysis.Interval | None]  # to the reference, as each run's report has it

    @property
    def overlap(self) -> bool | None:
        """Do the two runs' intervals overlap? None where one has too few blocks for an interval."""
        if not all(ratio is not None and ratio.decides for ratio in self.ratios):
            return None
        before, after = self.ratios
        return before.low <= after.high and after.low <= before.high


def compare(before: Path, after: Path) -> list[Compared]:
    first, second = load_run(before), load_run(after)
    rows = []
    for scenario in first.scenarios:
        other = second.scenario(scenario.name)
        if other is None or other.compare != scenario.compare:
            continue
        for row in scenario.rows:
            twin = other.row(row.label)
            if row.measured and twin is not None and twin.measured:
                rows.append(compared(scenario, other, row, twin))
    return [row for row in rows if row is not None]


def compared(scenario: ScenarioSummary, other: ScenarioSummary, row, twin) -> Compared | None:
    metric = scenario.compare
    change = analysis.unpaired_ratio(list(twin.values.get(metric, {}).values()),
                                     list(row.values.get(metric, {}).values()))
    if change is None:
        return None
    relative = None
    if row.label != scenario.reference:
        relative = analysis.unpaired_ratio(*(relative_values(each, scenario_of, metric)
                                             for each, scenario_of in ((twin, other), (row, scenario))))
    # Judged by what a drift of the machine is not in, where there is such a figure.
    judged = relative or change
    band = analysis.Band(max(scenario.band.factor, other.band.factor), scenario.band.tie_limit)
    word = analysis.compare_word(judged.inverted() if metric in LOWER_IS_BETTER else judged, band)
    return Compared(scenario.name, row.label, metric, row.estimate(metric), twin.estimate(metric), change, relative,
                    {"ahead": "better", "behind": "worse", "tie": "the same"}.get(word, word),
                    # The reference's own is that to its twin, A/A.
                    (row.ratio, twin.ratio) if row.label != scenario.reference else (scenario.again, other.again))


def relative_values(row, scenario: ScenarioSummary, metric: str) -> list[float]:
    own, reference = row.values.get(metric, {}), scenario.row(scenario.reference).values.get(metric, {})
    return [own[block] / reference[block] for block in own.keys() & reference.keys()]


def text_of(rows: list[Compared]) -> str:
    """A table that is Markdown, too."""
    if not rows:
        return "The two runs have no scenario with a valid row of the same entry in common.\n"
    lines = ["| scenario | entry | metric | before | after | after over before | the same, over the reference | "
             "| ratio to the reference, before | after | intervals |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    lines += [f"| {row.scenario} | {row.entry} | {metric_name(row.metric)} | {wording.interval(row.before)} | "
              f"{wording.interval(row.after)} | {wording.interval(row.change, '×')} | "
              f"{wording.interval(row.relative, '×')} | {row.word} | {wording.interval(row.ratios[0], '×')} | "
              f"{wording.interval(row.ratios[1], '×')} | {OVERLAP_WORDS[row.overlap]} |" for row in rows]
    judged = [row.overlap for row in rows if row.overlap is not None]
    return "\n".join([*lines, "", f"{sum(judged)} of {len(judged)} intervals of the ratio to the reference overlap."]) + "\n"
