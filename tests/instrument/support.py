"""What the tests share: targets made of the fake server, a scenario for them, and a synthetic run with known answers."""

import functools
import json
import os
import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from corelab_bench import accounting, crash, repo, request_trace, scenarios, targets, trial  # noqa: E402
from corelab_bench.hiccups import Hiccups  # noqa: E402

FAKE = HERE / "fake_server.py"


# The tests must pass on a busy machine too: no gate for what a machine does makes their trials INVALID.
ANY_MACHINE = {"max_steal": 1.0, "max_foreign": 1.0, "max_lag_ms": 1e4, "max_hiccup_ms": 1e6}


def unless_disturbed(test):
    """For tests of arithmetic on real time. A failure counts when the machine was there all the while: where it paused for
    10 ms, or others had 1 % of it (the hypervisor) or 10 % (processes), the test is run again. The fifth failure counts
    whatever the machine did. No sub-tests: their failures are not seen here."""
    @functools.wraps(test)
    def run(self):
        for tries_left in reversed(range(5)):
            before, machine = accounting.read_machine(), {}
            try:
                with Hiccups(machine):
                    return test(self)
            except AssertionError as failure:
                machine |= accounting.machine_between(before, accounting.read_machine())
                is_disturbed = (machine["hiccup_ms"] > 10 or machine["steal_share"] > 0.01 or
                                machine["foreign_share"] > 0.10)
                if not is_disturbed or not tries_left:
                    raise
                print(f"{test.__name__}: not counted, for {machine}: {failure}", file=sys.stderr)
    return run


def fake_target(*modes: str) -> targets.Target:
    return targets.Target("fake", "core", "a test's server", command=(sys.executable, str(FAKE), "{port}", *modes))


def catalogue(*names: str) -> targets.Catalogue:
    return targets.Catalogue([targets.Target(name, "core", "model", waiting="evented", command=("true",))
                              for name in names])


def scenario(**changes) -> scenarios.Scenario:
    source = {"name": "test", "title": "A test", "compare": "throughput", "reference": "fake",
              "limits": ANY_MACHINE,
              "load": {"path": "/plaintext", "body": "Hello, World!", "connections": 4},
              "entries": {"fake": {}}} | changes
    return scenarios.parse_scenario(source, catalogue("fake", "other", "third"))


def measure(*modes: str, seconds: float = 0.3, **changes) -> dict:
    """One real trial of the fake server."""
    tested = scenario(**changes)
    slot = trial.Slot(tested, tested.entries[0], 0, 0, "", seconds, 0.0)
    cpus = sorted(os.sched_getaffinity(0))
    return trial.measure(slot, fake_target(*modes), trial.Placement(cpus[:1], cpus[-1:]))


def good_record(**changes) -> dict:
    """A load trial that passes every gate."""
    return {"kind": "load", "scenario": "test", "entry": "fake", "target": "fake", "role": "", "block": 0,
            "connections": 64, "held": 64, "pipeline": 1, "answer_bytes": [150], "connections_established": 64,
            "server_cpus": [0], "invalid": [], "took_seconds": 1.0, "command": "fake",
            "cpu": {"total_ns": 10**9, "user_ticks": 30, "system_ticks": 70, "ended": 0},
            "load": {"requests": 100000, "seconds": 1.0, "bytes": 15000000, "generator_cpu_seconds": 0.5,
                     "errors": {"connect": 0, "read": 0, "write": 0, "status": 0, "timeout": 0}},
            "switches": {"voluntary": 1000, "involuntary": 100, "seconds": 0.85},
            "memory": {"pss_bytes": 5 * 2**20, "processes": 1, "threads": 2, "fds": 70},
            "machine": {"steal_share": 0.0, "foreign_share": 0.01}} | changes


@functools.cache
def known_peers() -> list[targets.Target]:
    """Looked for once: each look asks other programs."""
    return targets.peers(repo.PEERS)


def synthetic_run(folder: Path, profile: str = "full", only: tuple[str, ...] = ()) -> Path:
    """A run over the repository's own scenarios in which every core costs 8 µs a request, `prefork` twice that,
    `thread-pool` is absent, `multi-reactor` is INVALID, and the canned responders cost 7.5 µs. `only`: of these
    scenarios."""
    cores = targets.Catalogue([targets.Target(name, "core", "a model", waiting="evented")
                               for name in targets.EXPECTED_CORES] + known_peers() +
                              [targets.Target(f"floor-{model}", "floor", words)
                               for model, words in targets.FLOOR_MODELS.items()])
    known = scenarios.load_scenarios(repo.SCENARIOS, cores)
    lines = [line for line in scenarios.load_profiles(repo.SCENARIOS)[profile].lines
             if not only or line.scenario in only]
    rng = random.Random(1)
    records, registered = [], []
    for line in lines:
        one = known[line.scenario]
        registered.append({"source": one.source, "blocks": 8, "seconds": 1.0, "warm_up": 0.2,
                           "entries": [{"label": entry.label, "target": entry.target, "flags": list(entry.flags)}
                                       for entry in one.entries], "server_cpus": [0], "generator_cpus": [1]})
        for block in range(8):
            turns = [(entry, "") for entry in one.entries]
            turns += [(entry, "again") for entry in one.entries if entry.label == one.reference]
            for entry, role in turns:
                if entry.target != "thread-pool":
                    records.append(synthetic_trial(one, entry, role, block, rng))
    folder.mkdir(parents=True)
    (folder / "trials.ndjson").write_text("".join(json.dumps(record) + "\n" for record in records))
    (folder / request_trace.FILE).write_text("".join(json.dumps(synthetic_trace(label, waits)) + "\n"
                                                     for label, waits in (("event-loop", True),
                                                                          ("thread-per-connection", False))))
    machine = {"kernel": "Linux 6 #1", "distribution": "a test", "cpu": "a CPU", "cpus": [0, 1], "cgroup_cpu_max": "",
               "memory_bytes": 2**34, "governor": "none", "clock_source": "tsc", "virtualisation": "none",
               "mitigations": {"meltdown": "Not affected"}, "limits": {"open files": [1024, 1024]},
               "sysctls": {"net.core.somaxconn": "4096"}, "load_average": [0, 0, 0], "compiled": "Release"}
    manifest = {"run": folder.name, "profile": profile, "verdicts": profile != "smoke", "only": [], "commit": "uncommitted",
                "started": "2025-01-01T00:00:00+00:00", "seed": 1, "time_limit_seconds": 100, "machine": machine,
                "versions": {"wrk": "4"}, "scenarios": registered, "outcome": {"state": "finished", "seconds": 9},
                "targets": {name: {"kind": target.kind, "model": target.model, "version": "", "command": "",
                                   "absent": ""} for name, target in cores.targets.items()},
                "left_out": [{"scenario": one["source"]["name"], "entry": "thread-pool", "reason": "absent here"}
                             for one in registered],
                "syscalls": {"tool": "perf", "failures": [], "rows": {"event-loop": {"recvfrom": 1.0, "sendto": 1.0, "total": 2.07},
                                      "multi-reactor": {"recvfrom": 1.0, "epoll_ctl": 1.0, "total": 3.1}}},
                "micro": {"rows": [{"name": "session/one", "cpu_ns": 321.0, "real_ns": 322.0, "iterations": 1000}]}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def synthetic_trace(label: str, waits: bool) -> dict:
    """A second of requests every 5 ms; one in twenty blocks for 50 ms and, if it `waits`, holds up the others."""
    requests, free = [], 0.0
    for index in range(200):
        due, slow = 5.0 * index, index % 20 == 0
        begin = max(due + 0.1, free if waits else 0.0)
        end = begin + (50.0 if slow else 0.01)
        free = max(free, end)
        requests.append({"due": due, "class": "slow" if slow else "fast", "sent": due + 0.01, "answered": end + 0.1,
                         "handler": [begin, end, 0]})
    return {"scenario": "stall", "entry": label, "target": label, "seconds": 1.0, "requests": requests}


def synthetic_trial(one: scenarios.Scenario, entry: scenarios.Entry, role: str, block: int,
                    rng: random.Random) -> dict:
    noise = rng.gauss(1, 0.005)
    cost_us = 8.0 * noise * (2 if entry.target == "prefork" else 7.5 / 8 if "floor" in entry.target else 1)
    requests = int(1e6 / cost_us)
    record = good_record(kind=one.kind, scenario=one.name, entry=entry.label, target=entry.target, role=role,
                         block=block, invalid=["a reason to doubt it"] if entry.target == "multi-reactor" else [])
    record["load"] = record["load"] | {"requests": requests}
    if one.kind in ("latency", "sweep"):
        del record["load"], record["cpu"]
        slow = {"event-loop": 10.0}.get(entry.target, 1.0) * noise
        times = {"mean": slow, "p50": slow / 2, "p90": slow, "p99": slow * 4, "p999": slow * 5, "max": slow * 6}
        lag = {"mean": 0.01, "p50": 0.01, "p90": 0.01, "p99": 0.02, "p999": 0.03, "max": 0.04}
        counts = {"requests": 1000, "due": 1000, "unanswered": 0, "achieved_rate": 1000.0, "bytes": 150000,
                  "response_ms": times, "service_ms": times, "errors": {}}
        timed = counts | {"asked_rate": 1000.0, "lag_ms": lag, "mean_in_flight": 1.0,
                          "starved_connections": 56 if "hold" in entry.label else 0, "invalid": [],
                          "classes": {name: counts for name in one.load.classes}}
        record |= {"timed": timed, "of_class": one.load.of_class} if one.kind == "latency" else {
            "capacity": timed, "saturation": {"rate": 900.0 * noise, "slo_ms": one.load.slo_ms, "probes": []},
            "steps": [timed | {"share": share, "rate": 1000 * share} for share in one.load.shares],
            "rejected": [] if role else [timed | {"share": 0.9, "rate": 900.0, "invalid": ["a load to doubt"]}]}
        if one.kind == "latency" and one.load.late_ms:
            late = {"event-loop": 0.9, "prefork-evented": 0.2, "multi-reactor": 0.2}.get(entry.target, 0.001)
            timed["late_share"] = (0.001 if "helper" in entry.label else late) * noise
        if one.kind == "latency" and one.load.wrk_beside:
            record["wrk"] = {"rate": 5000.0, "p50_ms": 0.5, "p99_ms": 1.5}
    if one.kind == "idle":
        del record["load"], record["cpu"]
        size = 10000 if entry.target == "thread-per-connection" else 500
        record["steps"] = [{"asked": count, "open": count, "established": count, "unreadable": [], "threads": 1,
                            "pss_bytes": int(5e6 + size * count * noise), "private_bytes": size * count}
                           for count in entry.steps]
    if one.kind == "balance":
        even = one.load.connections // one.load.workers
        moved = 0 if "cluster" in entry.label else 5 + block % 2
        counts = [even + moved, even - moved] + [even] * (one.load.workers - 2)
        record |= {"workers": one.load.workers, "connections": one.load.connections,
                   "openings": [{"connections": counts, "requests": counts}] * 3}
    if one.kind == "crash":
        alone = entry.label == "aiohttp × 1" or entry.target in ("thread-per-connection", "multi-reactor")
        answers = [[due / 100, 0.02, "refused" if due > 50 and (alone or due < 55 + block) else "answered"]
                   for due in range(200)]
        record["crash"] = {"processes": 1, "alone": alone} | crash.reckon(answers, 0.5, 2.0, one.load)
    return record
