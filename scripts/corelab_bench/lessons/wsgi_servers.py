"""One Python application on every core, beside Python's own servers."""

from corelab_bench import wording
from corelab_bench.lessons.lesson import Lesson
from corelab_bench.summary import Row, ScenarioSummary, Summary


def cheapest(rows: list[Row]) -> Row:
    return min(rows, key=lambda row: row.estimate("cpu_us").value)


def measured(scenario: ScenarioSummary | None) -> list[Row]:
    return [row for row in scenario.rows if row.measured and row.estimate("cpu_us")] if scenario else []


def is_peer(run: Summary, row: Row) -> bool:
    return run.manifest["targets"].get(row.target, {}).get("kind") == "peer"


def beside_the_closest(scenario: ScenarioSummary | None) -> str:
    """What loading by turns decides, where the table's intervals are too wide."""
    claims = zip(scenario.hypothesis["claims"], scenario.claims) if scenario else ()
    ratios = [f"{asked['entry']} {wording.interval(found.figure, '×')} of {asked['than']}" for asked, found in claims
              if asked["metric"] == "cpu_us" and found.figure]
    if not ratios:
        return ""
    return (f"Loaded by turns (`{scenario.name}`), CPU time a request: {'; '.join(ratios)}. Part of that is the interpreter, "
            "where corelab holds Python's static library: distributions optimise that one with a profile, and the shared "
            "one, which uWSGI's plugin loads, without (`-DCORELAB_STATIC_PYTHON=OFF` shows the difference).")


def lesson(run: Summary) -> Lesson | None:
    flask, bare = run.scenario("wsgi-hello"), run.scenario("wsgi-bare")
    rows = measured(flask)
    peers = [row for row in rows if is_peer(run, row)]
    cores = [row for row in rows if not is_peer(run, row)]
    if not peers or not cores:
        return None
    ours, theirs = cheapest(cores), cheapest(peers)
    message = (f"A Flask answer costs {wording.absolute(ours, 'cpu_us')} of CPU time on {ours.label}, "
               f"{wording.absolute(theirs, 'cpu_us')} under {theirs.label}, the cheapest of the Python servers")
    table = []
    for row in flask.rows:
        naked = bare.row(row.label) if bare else None
        figures = [wording.interval(row.estimate("cpu_us"), " µs"), wording.interval(row.estimate("throughput"), "/s"),
                   wording.interval(row.ratio, "×")] if row.measured else [row.reason, "–", "–"]
        table.append((row.label, *figures, wording.interval(naked.estimate("cpu_us"), " µs")
                      if naked and naked.measured else "–"))
    mechanism = " ".join(filter(None, (flask.hypothesis["because"], beside_the_closest(run.scenario("cost-flask")))))
    return Lesson(message, flask.hypothesis["text"], mechanism,
                  ("processes × threads", "Flask: CPU time a request", "answers", f"{flask.reference} over it",
                   "bare callable: CPU time a request"), table, "wsgi-servers.svg", flask, run.manifest["profile"])
