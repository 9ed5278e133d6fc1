"""The report from a run's raw data: the summary, the figures and one template; as Markdown, and from that as a page."""

import os
from pathlib import Path

import jinja2

from corelab_bench import (calibration, claims, decisions, figures, html, lessons, repo, request_trace, summary, sweeps,
                           wording)
from corelab_bench.analysis import BCA_FROM, CONFIDENCE, RESAMPLES, WORD_FROM

TEMPLATES = Path(__file__).parent / "templates"


def write(folder: Path, also: Path | None = None) -> list[Path]:
    """Draws the figures and writes report.md and report.html into the run, and the same report to `also` with its links
    adjusted."""
    run = summary.load_run(folder)
    drawn = figures.draw_all(run, folder / "figures")
    written = []
    for path in filter(None, (folder / "report.md", also)):
        path = path.resolve()
        path.write_text(render(run, drawn, os.path.relpath(folder, path.parent)))
        written.append(path)
    page = folder / "report.html"
    page.write_text(html.page((folder / "report.md").read_text(), folder / "figures"))
    return [*written, page]


def render(run: summary.Summary, drawn: list[str], base: str) -> str:
    """The report as text; `base` is the run's folder as seen from where the report will stand."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), trim_blocks=True, lstrip_blocks=True,
                                     keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    environment.filters["ratio"] = lambda value: wording.interval(value, "×")
    environment.filters["figure"] = wording.number
    environment.filters["whole"] = lambda value: "–" if value is None else f"{value:,.0f}"
    environment.filters["size"] = wording.size
    environment.filters["cell"] = cell_text
    kinds = {name: target["kind"] for name, target in run.manifest["targets"].items()}
    text = environment.get_template("report.md.j2").render(
        run=run, manifest=run.manifest, machine=run.manifest["machine"], base=base.rstrip("/"), drawn=drawn,
        kinds=kinds, wording=wording, lessons=lessons.all_lessons(run), sweeps=sweeps.all_sweeps(run),
        lock_lessons=lessons.all_lessons(run, lessons.LOCK_LESSONS),
        claims=claims.all_claims(run), decisions=decisions.all_decisions(run), starved=starved(run),
        traced=(run.folder / request_trace.FILE).exists(), commands=commands(run), labels=labels(run, kinds),
        grid=grid(run), generator_aims=calibration.aims, whose_lag=calibration.whose_lag,
        confidence=f"{CONFIDENCE:.0%}", resamples=RESAMPLES, bca_from=BCA_FROM, word_from=WORD_FROM,
        limits=what_cannot_be_shown(run), budget_value=budget_value,
        left_out=left_out(run), source=repo.without_paths(str(run.folder)))
    return repo.without_paths(text)


def starved(run: summary.Summary) -> lessons.Lesson | None:
    """The lesson in which the two generators disagree."""
    return next((lesson for lesson in lessons.all_lessons(run) if lesson.scenario.name == "starvation"), None)


def cell_text(text: str) -> str:
    """Text that is safe inside a Markdown table."""
    return str(text).replace("|", "\\|").replace("\n", " ")


def grid(run: summary.Summary) -> list[summary.ScenarioSummary]:
    """The scenarios of the table of cores by scenarios: those that compare all cores."""
    return [scenario for scenario in run.scenarios if scenario.source.get("cores") and scenario.source.get("sample")
            != [] and scenario.source.get("kind", "load") in ("load", "latency")]


def labels(run: summary.Summary, kinds: dict[str, str]) -> list[str]:
    """Rows of that table: cores first, then their variants, then what is beside them."""
    seen = list(dict.fromkeys((row.label, row.target) for scenario in grid(run) for row in scenario.rows))
    rank = {"core": 0, "peer": 2, "floor": 3}
    return [label for label, target in sorted(seen, key=lambda pair: (
        1 if pair[0] != pair[1] else rank.get(kinds.get(pair[1], "core"), 0)))]


def left_out(run: summary.Summary) -> list[tuple[str, str, str]]:
    """(entry, reason, scenarios): the same reason is said once."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for left in run.manifest["left_out"]:
        grouped.setdefault((left["entry"], left["reason"]), []).append(left["scenario"])
    return [(entry, reason, ", ".join(scenarios)) for (entry, reason), scenarios in grouped.items()]


def budget_value(budget: summary.Judged) -> str:
    if budget.figure is None:
        return "–"
    if budget.metric == "bytes_per_connection" and "×" not in budget.limit:
        return wording.interval(budget.figure, form=wording.size)
    return wording.interval(budget.figure, "×" if "×" in budget.limit else "")


def commands(run: summary.Summary) -> dict[str, str]:
    """One command line for each label of each scenario, as it was started."""
    return {f"{trial['scenario']}/{trial['entry']}": trial["command"] for trial in run.trials if "command" in trial}


def what_cannot_be_shown(run: summary.Summary) -> list[str]:
    """What this machine and this run have no number for."""
    cpus = run.manifest["machine"]["cpus"]
    said = [f"**{left['scenario']}**: {left['reason']}" for left in run.manifest["left_out"]
            if left["reason"].startswith("not measurable")]
    if len(cpus) < 4:
        said.append(f"Parallel speed-up of cheap handlers: the server has one CPU in these scenarios (of {len(cpus)}; "
                    "the generator has the other), so cores with several workers show their cost here, not their "
                    "scaling: not measurable here.")
    if any("shared" in scenario.placement for scenario in run.scenarios):
        shared = [scenario.name for scenario in run.scenarios if "shared" in scenario.placement]
        said.append(f"In {wording.names(shared)} generator and server share CPUs: the ratio between two entries "
                    "stands, the absolute rate is lower than a server alone would reach.")
    said.append("Latency from wrk: its closed loop cannot measure it, and does not see a connection that is never "
                "answered. Latencies here are corelab-load's.")
    said.append("A network: everything goes over the loopback interface.")
    return said
