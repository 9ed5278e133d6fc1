"""Scenarios whose entries differ in one parameter: what it does to the metric, a line a series."""

from dataclasses import dataclass

from corelab_bench import wording
from corelab_bench.analysis import Interval
from corelab_bench.scenarios import points
from corelab_bench.summary import ScenarioSummary, Summary, metric_name


@dataclass(frozen=True)
class Point:
    value: float  # of the parameter
    figure: Interval


@dataclass(frozen=True)
class Sweep:
    scenario: ScenarioSummary
    series: dict[str, list[Point]]  # in order of the parameter; the points that were measured

    @property
    def parameter(self) -> str:
        return self.scenario.source["parameter"]

    @property
    def metric(self) -> str:
        return self.scenario.compare

    @property
    def values(self) -> list[float]:
        return sorted({point.value for line in self.series.values() for point in line})

    @property
    def message(self) -> str:
        """What the parameter does to each series, from its smallest value to its largest."""
        spans = [(name, line[0], line[-1]) for name, line in self.series.items() if len(line) > 1]
        if not spans:
            return f"{metric_name(self.metric)} against {self.parameter}"
        low, high = min(first.value for _, first, _ in spans), max(last.value for _, _, last in spans)
        changes = [f"{wording.number(last.figure.value / first.figure.value)}× on {name}"
                   f"{'' if last.value == high else f' up to {last.value:,g}'}" for name, first, last in spans]
        return f"{metric_name(self.metric)}, {self.parameter} from {low:,g} to {high:,g}: {wording.names(changes)}"

    def cell(self, name: str, value: float) -> str:
        found = next((point.figure for point in self.series[name] if point.value == value), None)
        return wording.interval(found, self.unit)

    @property
    def unit(self) -> str:
        return {"throughput": "/s", "cpu_us": " µs"}.get(self.metric, " ms" if self.metric.endswith("_ms") else "")


def sweep(scenario: ScenarioSummary) -> Sweep | None:
    series: dict[str, list[Point]] = {}
    for name, value, label in sorted(points(scenario.source), key=lambda point: point[1]):
        row = scenario.row(label)
        figure = row.estimate(scenario.compare) if row and row.measured else None
        if figure is not None:
            series.setdefault(name, []).append(Point(value, figure))
    return Sweep(scenario, series) if series else None


def all_sweeps(run: Summary) -> list[Sweep]:
    made = (sweep(scenario) for scenario in run.scenarios if "parameter" in scenario.source)
    return [one for one in made if one is not None]
