"""From a run's raw data to what the report says: rows, budgets, hypotheses. No number is made anywhere else.

Reads manifest.json and trials.ndjson only: the scenarios, limits and hypotheses are those registered with the run.
"""

import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path

from corelab_bench import analysis, balance, gil, saturation, validity
from corelab_bench.analysis import Interval
from corelab_bench.scenarios import LOWER_IS_BETTER, Limits
from corelab_bench.schedule import AGAIN

# A generator that had no time left beside a server that had: the throughput is the generator's.
GENERATOR_FULL = 0.95
SERVER_FULL = 0.95


@dataclass
class Row:
    """One entry under one scenario."""

    label: str
    target: str
    role: str = ""
    values: dict[str, dict[int, float]] = field(default_factory=dict)  # metric -> block -> value, valid trials only
    trials: list[dict] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)  # reasons, each with its count
    reason: str = ""  # why there is no row at all; empty when there is one
    ratio: Interval | None = None  # oriented: more than 1 is better than the reference
    word: str = ""

    @property
    def measured(self) -> bool:
        return not self.reason

    def estimate(self, metric: str) -> Interval | None:
        return analysis.geometric(self.values.get(metric, {}).values())

    def median(self, read) -> float | None:
        """The median over valid trials of read(trial), where it gives a number."""
        numbers = [number for number in map(read, self.trials) if number is not None]
        return statistics.median(numbers) if numbers else None

    has_many_processes: bool = False  # that share the work: each has too few of the kernel's ticks

    @property
    def user_share(self) -> float | None:
        """By the kernel's ticks. A process that had none in system mode is counted as all user by the kernel
        (cputime_adjust), so that of many processes with a few milliseconds each it says nothing."""
        if self.has_many_processes:
            return None
        user = sum(trial["cpu"]["user_ticks"] for trial in self.trials if "cpu" in trial)
        system = sum(trial["cpu"]["system_ticks"] for trial in self.trials if "cpu" in trial)
        return user / (user + system) if user + system else None

    @property
    def server_busy(self) -> float | None:
        return self.median(lambda trial: trial["cpu"]["total_ns"] / 1e9 / trial["load"]["seconds"] /
                           len(trial["server_cpus"]) if "cpu" in trial else None)

    @property
    def generator_busy(self) -> float | None:
        return self.median(lambda trial: trial["load"]["generator_cpu_seconds"] / trial["load"]["seconds"]
                           if "load" in trial else None)

    def timed(self, *path: str) -> Interval | None:
        """The mean over valid trials of a figure of corelab-load's, by the keys that lead to it."""
        found = []
        for trial in self.trials:
            figure = trial.get("timed")
            for key in path:
                figure = figure.get(key) if isinstance(figure, dict) else None
            if figure is not None:
                found.append(figure)
        return analysis.bootstrap_mean(found)

    def memory(self, name: str) -> float | None:
        return self.median(lambda trial: trial.get("memory", {}).get(name))

    def switches(self, name: str) -> float | None:
        """Context switches per request: those seen in a window over the requests expected in it."""
        def read(trial):
            seen = trial.get("switches")
            rate = trial["load"]["requests"] / trial["load"]["seconds"] if seen else 0
            return seen[name] / (rate * seen["seconds"]) if rate else None
        return self.median(read)


@dataclass
class Judged:
    """A budget or a claim with the figure beside the limit."""

    text: str
    figure: Interval | None
    limit: str
    word: str
    reason: str = ""
    entry: str = ""
    scenario: str = ""
    metric: str = ""


@dataclass
class ScenarioSummary:
    name: str
    source: dict
    rows: list[Row]
    again: Interval | None  # the reference against itself, oriented
    band: analysis.Band
    placement: str
    registered: dict
    budgets: list[Judged] = field(default_factory=list)
    claims: list[Judged] = field(default_factory=list)
    verdict: str = ""

    @property
    def title(self) -> str:
        return self.source["title"]

    @property
    def compare(self) -> str:
        return self.source["compare"]

    @property
    def reference(self) -> str:
        return self.source["reference"]

    @property
    def headline(self) -> bool:
        return self.source.get("headline", False)

    @property
    def hypothesis(self) -> dict:
        return self.source.get("hypothesis", {})

    def row(self, label: str) -> Row | None:
        return next((row for row in self.rows if row.label == label), None)


@dataclass
class Summary:
    folder: Path
    manifest: dict
    scenarios: list[ScenarioSummary]
    trials: list[dict]

    @property
    def verdicts(self) -> bool:
        return self.manifest["verdicts"]

    def scenario(self, name: str) -> ScenarioSummary | None:
        return next((scenario for scenario in self.scenarios if scenario.name == name), None)

    @property
    def budgets(self) -> list[Judged]:
        return [budget for scenario in self.scenarios for budget in scenario.budgets]

    @property
    def invalid_trials(self) -> list[dict]:
        return [trial for trial in self.trials if trial["invalid"]]

    @property
    def repeated(self) -> int:
        """Trials that were made again because the machine had disturbed them."""
        return sum(trial.get("attempt", 1) > 1 for trial in self.trials)


def load_run(folder: Path) -> Summary:
    manifest = json.loads((folder / "manifest.json").read_text())
    trials = []
    path = folder / "trials.ndjson"
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            trials.append(json.loads(line))
        except ValueError:
            continue  # the last line of a run that was killed
    scenarios = [summarise(registered, [trial for trial in trials
                                        if trial["scenario"] == registered["source"]["name"]], manifest)
                 for registered in manifest["scenarios"]]
    return Summary(folder, manifest, scenarios, trials)


def trial_metrics(trial: dict) -> dict[str, float]:
    if trial["kind"] == "idle":
        steps = trial["steps"]
        whole = [step for step in steps if step["open"] == step["asked"]]
        numbers = {"idle_established": float(min(max(step["open"] for step in steps),
                                                 max(step["established"] for step in steps)))}
        if whole:
            numbers["pss_bytes"] = float(whole[-1]["pss_bytes"])
        if len(whole) > 1:
            slope = analysis.slope([step["open"] for step in whole], [step["pss_bytes"] for step in whole])
            numbers["bytes_per_connection"] = max(slope, 1.0)  # below a byte there is nothing to take a ratio of
        return numbers
    if trial["kind"] == "latency":
        timed = trial["timed"]
        one = timed["classes"][trial["of_class"]] if trial["of_class"] else timed
        numbers = {"throughput": timed["achieved_rate"], "p50_ms": one["response_ms"]["p50"],
                   "p99_ms": one["response_ms"]["p99"], "gil_wait_ms": gil.median_wait_ms(trial.get("gil", []))}
        if "late_share" in timed:  # below one request there is nothing to take a ratio of
            numbers["late_share"] = max(timed["late_share"], 1 / max(one["due"], 1))
        return {name: number for name, number in numbers.items() if number is not None}
    if trial["kind"] == "balance":
        shares = [balance.largest_share(opening) for opening in trial["openings"]]
        return {"largest_share": statistics.mean(shares)}
    if trial["kind"] == "crash":
        crash = trial["crash"]
        recovery = crash["recovery_seconds"]
        # One that has not recovered takes at least as long as it was watched; none is faster than the timeline sees.
        seconds = crash["watched_seconds"] if recovery is None else max(recovery, crash["bin_seconds"])
        return {"recovery_ms": 1000 * seconds, "lost_requests": float(max(sum(crash["lost"].values()), 1))}
    if trial["kind"] == "sweep":
        numbers = {"throughput": trial["capacity"]["achieved_rate"], "saturation_rate": trial["saturation"]["rate"]}
        share = max((share for share in saturation.shares(trial) if share < 1), default=None)
        near = next((step for step in trial["steps"] if step["share"] == share), None)  # or it was rejected
        if near and near["response_ms"]["p99"] is not None:
            numbers["near_capacity_p99_ms"] = near["response_ms"]["p99"]
        return numbers
    load = trial["load"]
    return {"throughput": load["requests"] / load["seconds"],
            "cpu_us": trial["cpu"]["total_ns"] / 1000 / load["requests"]}


def summarise(registered: dict, trials: list[dict], manifest: dict) -> ScenarioSummary:
    source = registered["source"]
    limits = Limits(**source.get("limits", {}))
    if not manifest["verdicts"]:
        limits = limits.without_noise_gates()
    rows = [make_row(entry, "", trials, limits, manifest, source["name"]) for entry in registered["entries"]]
    reference = next(row for row in rows if row.label == source["reference"])
    again = make_row({"label": reference.label, "target": reference.target}, AGAIN, trials, limits, manifest,
                     source["name"])
    compare = source["compare"]
    self_ratio = oriented(compare, again, reference)
    scenario = ScenarioSummary(name=source["name"], source=source, rows=rows, again=self_ratio,
                               band=analysis.band(self_ratio, limits.tie_within, limits.tie_at_most),
                               placement=placement_words(registered), registered=registered)
    for row in rows:
        against = again if row is reference else reference
        if wide := validity.spread_gate(paired_spread(compare, row, against), limits):
            row.reason = row.reason or f"INVALID: {wide}"
    for row in rows:
        row.ratio = oriented(compare, row, reference)
        row.word = row_word(row, reference, scenario, manifest["verdicts"])
    scenario.budgets = [judge_budget(budget, scenario, manifest["verdicts"]) for budget in source.get("budget", [])]
    claims = source.get("hypothesis", {}).get("claims", [])
    scenario.claims = [judge_claim(claim, scenario, manifest["verdicts"]) for claim in claims]
    words = [claim.word for claim in scenario.claims]
    scenario.verdict = analysis.all_of(words) if manifest["verdicts"] else "no verdict in this profile"
    return scenario


def make_row(entry: dict, role: str, trials: list[dict], limits: Limits, manifest: dict, scenario: str) -> Row:
    row = Row(entry["label"], entry["target"], role)
    model = manifest["targets"].get(row.target, {}).get("model", "")
    row.has_many_processes = "process" in model and "evented" not in model
    own = [trial for trial in trials if trial["entry"] == row.label and trial["role"] == role]
    row.trials = [trial for trial in own if not trial["invalid"]]
    reasons: dict[str, int] = {}
    for trial in own:
        for reason in trial["invalid"]:
            reasons[reason] = reasons.get(reason, 0) + 1
    row.invalid = [f"{reason} ({count} of {len(own)} trials)" for reason, count in reasons.items()]
    for trial in row.trials:
        for metric, value in trial_metrics(trial).items():
            row.values.setdefault(metric, {})[trial["block"]] = value
    if not own:
        left = [left["reason"] for left in manifest["left_out"]
                if left["scenario"] == scenario and left["entry"] in ("", row.label)]
        row.reason = left[0] if left else "not measured: the run ended before"
    elif not row.trials:
        refused = next((trial["refused"] for trial in own if trial.get("refused")), "")
        row.reason = f"refused to start: {refused}" if refused else f"INVALID: {row.invalid[0]}"
    return row


def paired_spread(metric: str, row: Row, reference: Row) -> float:
    """Spread of the row over the reference within blocks: a drift of the whole machine is not in it."""
    own, other = row.values.get(metric, {}), reference.values.get(metric, {})
    return analysis.spread([own[block] / other[block] for block in own.keys() & other.keys()])


def oriented(metric: str, row: Row, reference: Row) -> Interval | None:
    """The row over the reference, so that more than 1 is better."""
    if not row.measured or not reference.measured:
        return None
    ratio = analysis.paired_ratio(row.values.get(metric, {}), reference.values.get(metric, {}))
    return ratio.inverted() if ratio is not None and metric in LOWER_IS_BETTER else ratio


def generator_bound(row: Row) -> bool:
    busy, server = row.generator_busy, row.server_busy
    return busy is not None and server is not None and busy > GENERATOR_FULL and server < SERVER_FULL


def row_word(row: Row, reference: Row, scenario: ScenarioSummary, verdicts: bool) -> str:
    if not row.measured:
        return "INVALID" if row.reason.startswith("INVALID") else "not measured"
    if row.label == reference.label:
        return "reference"
    if scenario.compare == "throughput" and (generator_bound(row) or generator_bound(reference)):
        return "generator-bound"
    return analysis.compare_word(row.ratio, scenario.band) if verdicts else ""


def placement_words(registered: dict) -> str:
    server, generator = registered["server_cpus"], registered["generator_cpus"]
    shared = ", shared" if set(server) & set(generator) else ""
    return f"server on CPU {', '.join(map(str, server))}; generator on CPU {', '.join(map(str, generator))}{shared}"


def limit_text(limit: dict, unit: str) -> str:
    def form(value: float) -> str:
        return {"×": f"{value:.2f}×", " KiB": f"{value / 1024:.2f} KiB"}.get(unit, f"{value:,g}")

    parts = [f"≤ {form(limit['at_most'])}"] if "at_most" in limit else []
    parts += [f"≥ {form(limit['at_least'])}"] if "at_least" in limit else []
    return " and ".join(parts)


def judge_budget(budget: dict, scenario: ScenarioSummary, verdicts: bool) -> Judged:
    """A ratio to `against` where the budget names one, else the figure itself."""
    metric = budget["metric"]
    unit = "×" if "against" in budget else {"bytes_per_connection": " KiB"}.get(metric, "")
    judged = Judged(text=budget["text"], figure=None, limit=limit_text(budget, unit), word="not measured",
                    entry=budget["entry"], scenario=scenario.name, metric=metric)
    rows = [scenario.row(label) for label in (budget["entry"], budget.get("against")) if label]
    for row, label in zip(rows, (budget["entry"], budget.get("against"))):
        if row is None or not row.measured:
            judged.reason = f"{label}: {row.reason if row else 'not in this run'}"
            return judged
    if "against" in budget:
        judged.figure = analysis.paired_ratio(rows[0].values.get(metric, {}), rows[1].values.get(metric, {}))
    else:
        judged.figure = analysis.bootstrap_mean(list(rows[0].values.get(metric, {}).values()))
    if judged.figure is None:
        judged.reason = "no block has both" if "against" in budget else "no figure"
    else:
        judged.word = analysis.limit_word(judged.figure, budget.get("at_most"),
                                          budget.get("at_least")) if verdicts else ""
    return judged


def judge_claim(claim: dict, scenario: ScenarioSummary, verdicts: bool) -> Judged:
    """A claim is about the plain ratio `entry` over `than` of its metric."""
    metric = claim["metric"]
    limit = "tie" if claim.get("tie") else limit_text(claim, "×")
    judged = Judged(text=f"{claim['entry']} over {claim['than']}, {metric_name(metric)}", figure=None, limit=limit,
                    word="inconclusive", entry=claim["entry"], scenario=scenario.name, metric=metric)
    rows = [scenario.row(claim["entry"]), scenario.row(claim["than"])]
    for row, label in zip(rows, (claim["entry"], claim["than"])):
        if row is None or not row.measured:
            judged.reason = f"{label}: {row.reason if row else 'not in this run'}"
            return judged
    judged.figure = analysis.paired_ratio(rows[0].values.get(metric, {}), rows[1].values.get(metric, {}))
    if metric == "throughput" and any(map(generator_bound, rows)):
        judged.reason = "the generator was the limit"
    elif not verdicts:
        judged.word = ""
    elif claim.get("tie"):
        judged.word = analysis.tie_claim_word(judged.figure, scenario.band)
    else:
        judged.word = analysis.limit_word(judged.figure, claim.get("at_most"), claim.get("at_least"),
                                          ("confirmed", "refuted", "inconclusive"))
    return judged


def metric_name(metric: str) -> str:
    return {"throughput": "requests a second", "cpu_us": "CPU time a request",
            "bytes_per_connection": "user memory per idle connection",
            "idle_established": "idle connections held", "p50_ms": "median response time",
            "p99_ms": "99th percentile of the response time",
            "saturation_rate": "highest rate within the objective",
            "near_capacity_p99_ms": "99th percentile of the response time near capacity",
            "late_share": "share of the quick requests that are late", "largest_share": "largest share of a worker",
            "recovery_ms": "time until all is answered again", "lost_requests": "requests lost",
            "pss_bytes": "memory of the whole server", "gil_wait_ms": "median wait for the interpreter lock"}[metric]
