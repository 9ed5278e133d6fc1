"""Scenarios and profiles as data: benchmarks/scenarios/*.toml.

A scenario is one question: a load, the entries that compete under it, what must hold for a row to be believed, and
what was expected before anybody looked. A profile (profiles.toml) chooses scenarios and blocks to fit a time.
"""

import dataclasses
import math
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path

from corelab_bench import http_check
from corelab_bench.targets import Catalogue, Target
from corelab_bench.worker_loads import BalanceLoad, CrashLoad, OneThread

PROFILES_FILE = "profiles.toml"
USUAL_OVERHEAD_SECONDS = 0.3  # starting, checking and stopping
METRICS = ("throughput", "cpu_us", "bytes_per_connection", "idle_established", "p50_ms", "p99_ms",
           "near_capacity_p99_ms", "saturation_rate", "late_share", "largest_share", "recovery_ms", "lost_requests",
           "pss_bytes", "gil_wait_ms")
LOWER_IS_BETTER = ("cpu_us", "bytes_per_connection", "p50_ms", "p99_ms", "near_capacity_p99_ms", "late_share",
                   "largest_share", "recovery_ms", "lost_requests", "pss_bytes", "gil_wait_ms")
KINDS = ("load", "idle", "latency", "sweep", "balance", "crash")
BESIDE_MODES = ("idle", "slow-send", "slow-read")


class ScenarioError(ValueError):
    """A scenario file says something that the harness does not understand."""


@dataclass(frozen=True)
class Load:
    """What wrk sends: closed loop, `connections` open at a time."""

    path: str
    connections: int = 64
    threads: int = 1
    pipeline: int = 1
    close: bool = False  # a connection per request
    reconnects: bool = False  # servers may close connections: fewer are open at any one moment
    slow_path: str = ""  # with slow_share: the other class of requests
    slow_share: float = 0.0
    body: str | None = None  # what the answer must be; None: the same before and after, whatever it is
    post_bytes: int = 0  # POST this many bytes, which the answer must repeat; 0: GET

    @property
    def expected(self) -> str | None:
        return http_check.posted(self.post_bytes).decode() if self.post_bytes else self.body

    @property
    def held(self) -> int:
        """Connections that must be open at once."""
        return 1 if self.close or self.reconnects else self.connections

    @property
    def paths(self) -> list[str]:
        return [self.path] + ([self.slow_path] if self.slow_path else [])


@dataclass(frozen=True)
class TimedLoad(OneThread):
    """What corelab-load sends: on a schedule (`rate` a second), or as a closed loop (a rate of 0)."""

    classes: dict[str, str]  # of requests, by name: "WEIGHT:PATH"
    connections: int = 64
    rate: float = 0.0
    arrivals: str = "poisson"
    of_class: str = ""  # whose times are compared; empty: everybody's
    grace: float = 1.0  # seconds after the end in which answers still count
    max_unanswered: float = 0.001  # of the requests; more is INVALID
    min_kept: float = 0.98  # share of an open loop's requests sent by the end and answered; less is INVALID
    slo_ms: float = 0.0  # sweeps: the 99th percentile that the highest rate must keep
    shares: tuple[float, ...] = ()  # sweeps: offered loads, as shares of that rate
    late_ms: float = 0.0  # answers of `of_class` that take longer count as late; 0: none does
    neighbour: str = ""  # a path that one more client asks for without a pause; not measured itself
    wrk_beside: bool = False  # wrk's own latencies of the same closed loop, for comparison
    body: str | None = None

    @property
    def near_capacity(self) -> float:
        """The largest share of a sweep that a server can keep."""
        return max(share for share in self.shares if share < 1)

    @property
    def paths(self) -> list[str]:
        return [text.partition(":")[2] for text in self.classes.values()] + ([self.neighbour] if self.neighbour else [])

    @property
    def path(self) -> str:
        return self.paths[0]


# A sweep's objective judges what was kept and answered: beyond capacity nothing is INVALID for it.
SWEEP_GATES = {"max_unanswered": 1.0, "min_kept": 0.0}


def parse_load(kind: str, table: dict) -> "Load | TimedLoad | BalanceLoad | CrashLoad":
    if kind in ("balance", "crash"):
        return {"balance": BalanceLoad, "crash": CrashLoad}[kind](**table)
    if kind == "sweep":
        return TimedLoad(**table, **SWEEP_GATES)
    return TimedLoad(**table) if kind == "latency" else Load(**table)


@dataclass(frozen=True)
class Beside:
    """Connections that are there while the load is measured, and no part of it."""

    mode: str  # one of BESIDE_MODES
    connections: int
    bytes_per_second: float = 0.0  # of each slow one
    path: str = "/plaintext"


@dataclass(frozen=True)
class Limits:
    """When a row is not believed. `tie_within` is the difference that nobody would act on; where the A/A band is wider
    than `tie_at_most`, the run is too noisy to call anything a tie."""

    min_requests: int = 10
    max_error_share: float = 0.0  # of the requests
    max_spread: float = 0.25  # standard deviation over the blocks of the log ratio to the reference
    max_steal: float = 0.10  # of all CPU time during the trial, taken by the hypervisor
    max_foreign: float = 0.25  # and by processes that have no part in it
    max_lag_ms: float = 2.0  # of corelab-load's schedule, 99th percentile
    max_hiccup_ms: float = 100.0  # by which a short sleep on the generator's CPU overshot while it was measured
    tie_within: float = 0.03
    tie_at_most: float = 0.06

    def without_noise_gates(self) -> "Limits":
        """For a profile that proves the pipeline and gives no verdicts: it must work on a busy machine."""
        return dataclasses.replace(self, max_steal=1.0, max_foreign=1.0, max_spread=math.inf,
                                   max_lag_ms=1e4, max_hiccup_ms=math.inf)


@dataclass(frozen=True)
class Entry:
    """A target with its flags, under the label that the report prints."""

    label: str
    target: str
    flags: tuple[str, ...] = ()
    steps: tuple[int, ...] = ()  # idle scenarios: how many connections this model can be asked to hold
    load: "Load | TimedLoad | None" = None  # where the entry changes the scenario's
    beside: Beside | None = None


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    kind: str  # one of KINDS
    compare: str  # the metric of the table
    reference: str
    load: Load | TimedLoad | BalanceLoad | CrashLoad
    limits: Limits
    entries: tuple[Entry, ...]
    server_cpus: int
    may_share: bool  # where CPUs are too few, generator and server may share them
    memory: bool  # sample memory during the warm-up
    switches: bool  # sample context switches at the end of the load
    gil: bool  # read the server's account of the interpreter lock
    overhead_seconds: float  # a first guess of what a trial takes beside its load; a run measures it
    steps: tuple[int, ...]
    budgets: tuple[dict, ...]
    hypothesis: dict
    trace: tuple[str, ...]  # entries whose single requests are traced in a pass of its own
    source: dict  # the TOML as it was read: it goes into the manifest
    upstream: str = ""  # the core of a server that the entries ask in turn (--upstream), on the generator's CPUs
    beside: Beside | None = None
    slice_seconds: float = 0.0  # the servers of a block all run and are loaded by turns, so long each; 0: one by one

    def of(self, entry: Entry) -> "Scenario":
        """The scenario as this entry meets it."""
        return dataclasses.replace(self, load=entry.load or self.load, beside=entry.beside or self.beside)


@dataclass(frozen=True)
class ProfileLine:
    scenario: str
    blocks: int
    min_blocks: int
    seconds: float
    warm_up: float
    until: float = 0.0  # stop rule: no more blocks once every interval is within ± this (log ratio); 0: run them all


@dataclass(frozen=True)
class Profile:
    """`lines` are in order of importance: when time is short, the last are dropped first."""

    name: str
    seconds: float
    verdicts: bool
    micro_seconds: float
    syscall_seconds: float  # of load while system calls are counted, each core; 0: they are not
    lines: tuple[ProfileLine, ...]
    trace_seconds: float = 0.0  # of load while single requests are traced; 0: they are not
    only: tuple[str, ...] = ()  # chosen by hand: the run is no whole profile
    calibration_seconds: float = 0.3  # of each load by which the generators are compared


def load_profiles(folder: Path) -> dict[str, Profile]:
    with open(folder / PROFILES_FILE, "rb") as file:
        tables = tomllib.load(file)
    return {name: Profile(name=name, seconds=table["seconds"], verdicts=table["verdicts"],
                          micro_seconds=table["micro_seconds"], syscall_seconds=table["syscall_seconds"],
                          trace_seconds=table.get("trace_seconds", 0.0),
                          calibration_seconds=table["calibration_seconds"],
                          lines=tuple(ProfileLine(min_blocks=line.get("min_blocks", 1),
                                                  **{key: value for key, value in line.items()
                                                     if key != "min_blocks"})
                                      for line in table["scenarios"]))
            for name, table in tables.items()}


def load_scenarios(folder: Path, catalogue: Catalogue) -> dict[str, Scenario]:
    scenarios = {}
    for path in sorted(folder.glob("*.toml")):
        if path.name == PROFILES_FILE:
            continue
        with open(path, "rb") as file:
            source = tomllib.load(file)
        if source.get("name") != path.stem:
            raise ScenarioError(f"{path}: its name must be {path.stem}")
        scenarios[path.stem] = parse_scenario(source, catalogue)
    return scenarios


def parse_scenario(source: dict, catalogue: Catalogue) -> Scenario:
    """A scenario from its TOML table; raises ScenarioError with a sentence that names the mistake."""
    name = source.get("name", "unnamed")
    try:
        placement = source.get("placement", {})
        sample = source.get("sample", ["memory", "switches"])
        kind = source.get("kind", "load")
        scenario = Scenario(
            name=name, title=source["title"], kind=kind, compare=source["compare"],
            reference=source["reference"], load=parse_load(kind, source["load"]), limits=Limits(**source.get("limits", {})),
            entries=tuple(entries(source, catalogue)), server_cpus=placement.get("server_cpus", 1),
            may_share=placement.get("may_share", True), memory="memory" in sample, switches="switches" in sample,
            gil="gil" in sample,
            overhead_seconds=source.get("overhead_seconds", USUAL_OVERHEAD_SECONDS),
            steps=tuple(source.get("steps", ())), budgets=tuple(source.get("budget", ())),
            hypothesis=source.get("hypothesis", {}), trace=tuple(source.get("trace", ())), source=source,
            upstream=source.get("upstream", ""), slice_seconds=source.get("slice_seconds", 0.0),
            beside=Beside(**source["beside"]) if "beside" in source else None)
    except (KeyError, TypeError) as problem:
        raise ScenarioError(f"scenario {name}: {problem}") from problem
    check(scenario)
    return scenario


def check(scenario: Scenario) -> None:
    def complain(text: str):
        raise ScenarioError(f"scenario {scenario.name}: {text}")

    labels = {entry.label for entry in scenario.entries}
    if scenario.kind not in KINDS:
        complain(f"kind is one of {', '.join(KINDS)}, not {scenario.kind}")
    if scenario.compare not in METRICS:
        complain(f"compare is one of {', '.join(METRICS)}, not {scenario.compare}")
    if scenario.reference not in labels:
        complain(f"its reference {scenario.reference} is not among its entries")
    if scenario.kind == "idle" and not scenario.steps:
        complain("an idle scenario needs steps, the numbers of connections to hold")
    for one in [scenario] + [scenario.of(entry) for entry in scenario.entries]:
        if one.kind == "latency" and one.load.of_class not in ("", *one.load.classes):
            complain(f"of_class {one.load.of_class} is none of its classes")
        if one.kind == "latency" and one.load.late_ms and not one.load.of_class:
            complain("late_ms needs of_class, whose answers may be late")
        if one.kind == "sweep" and (one.load.neighbour or one.load.late_ms or one.load.wrk_beside):
            complain("neighbour, late_ms and wrk_beside are of the kind latency")
        if one.beside and one.beside.mode not in BESIDE_MODES:
            complain(f"the mode of what is beside is one of {', '.join(BESIDE_MODES)}, not {one.beside.mode}")
        if one.beside and one.beside.mode != "idle" and one.beside.bytes_per_second <= 0:
            complain("slow clients beside need bytes_per_second")
    if scenario.beside and scenario.kind not in ("load", "latency"):
        complain("only the kinds load and latency have something beside")
    if scenario.slice_seconds and (scenario.kind != "load" or scenario.beside or scenario.switches):
        complain("slice_seconds is of the kind load, with nothing beside it and no switches in its sample")
    if "parameter" in scenario.source and len(points(scenario.source)) < 2:
        complain("a parameter needs entries that say their value of it (at = …)")
    if scenario.kind == "sweep" and not (scenario.load.shares and scenario.load.slo_ms > 0):
        complain("a sweep needs slo_ms, the 99th percentile to keep, and shares, the loads to offer")
    if scenario.kind == "crash" and scenario.load.signal not in ("KILL", "STOP"):
        complain(f"signal is KILL or STOP, not {scenario.load.signal}")
    if scenario.kind == "balance" and scenario.load.count_by not in ("stats", "pid"):
        complain(f"count_by is stats or pid, not {scenario.load.count_by}")
    if unknown := set(scenario.trace) - labels:
        complain(f"trace names {', '.join(sorted(unknown))}, which is no entry")
    if scenario.trace and not (scenario.kind == "latency" and scenario.load.rate > 0):
        complain("only the requests of a latency scenario with a rate are traced")
    for claim in scenario.hypothesis.get("claims", []):
        if claim["metric"] not in METRICS:
            complain(f"a claim's metric is one of {', '.join(METRICS)}, not {claim['metric']}")
        if not ({"at_least", "at_most", "tie"} & claim.keys()):
            complain("a claim says at_least, at_most or tie")
    for budget in scenario.budgets:
        if not ({"at_least", "at_most"} & budget.keys()) or budget["metric"] not in METRICS:
            complain("a budget says at_least or at_most of a metric")


def entries(source: dict, catalogue: Catalogue):
    """The competitors: every core when `cores` is true, then what `entries` lists; flags by name, else by waiting."""
    flags = source.get("flags", {})
    listed = []
    if source.get("cores", False):
        listed += [(target.name, {}) for target in catalogue.of_kind("core")]
    listed += list(source.get("entries", {}).items())
    for label, wanted in listed:
        target = catalogue[wanted.get("target", label)]
        text = wanted.get("flags", default_flags(flags, target))
        load = source["load"] | wanted.get("load", {})
        connections = load.get("connections", Load.connections)
        yield Entry(label=label, target=target.name,
                    flags=tuple(shlex.split(text.replace("{connections}", str(connections)))),
                    steps=tuple(wanted.get("steps", source.get("steps", ()))),
                    load=parse_load(source.get("kind", "load"), load) if "load" in wanted else None,
                    beside=Beside(**source["beside"] | wanted["beside"]) if "beside" in wanted else None)


def points(source: dict) -> list[tuple[str, float, str]]:
    """(series, value, label) of the entries that differ in the scenario's parameter."""
    return [(entry.get("series", entry.get("target", label)), entry["at"], label)
            for label, entry in source.get("entries", {}).items() if "at" in entry]


def default_flags(flags: dict, target: Target) -> str:
    if target.kind != "core":
        return flags.get(target.name, "")
    return flags.get(target.name, flags.get(target.waiting, ""))
