"""What a lesson is, and the figures of corelab-load's that lessons read."""

from dataclasses import dataclass

from corelab_bench import wording
from corelab_bench.summary import Row, ScenarioSummary


@dataclass(frozen=True)
class Lesson:
    message: str  # the finding, as a title
    prediction: str
    mechanism: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    figure: str
    scenario: ScenarioSummary
    profile: str
    more_figures: tuple[tuple[str, str], ...] = ()  # (file, message) of each, before the table's own

    @property
    def command(self) -> str:
        return f"make bench PROFILE={self.profile} ONLY={self.scenario.name}"


def timed_rows(scenario: ScenarioSummary | None) -> list[Row]:
    return [row for row in scenario.rows if row.measured and row.timed("requests")] if scenario else []


def milliseconds(row: Row, *path: str) -> str:
    return wording.interval(row.timed(*path), " ms")


def mean(row: Row, *path: str) -> float:
    return row.timed(*path).value
