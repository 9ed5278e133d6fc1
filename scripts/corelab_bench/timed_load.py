"""The other generator: corelab-load, whose times count from when a request was due and whose unanswered requests count.

wrk gives throughput; this gives latency. `wrk_latency` runs wrk for what it prints about latency all the same, so that
a report can set the two side by side.
"""

import json
import math
import re
import subprocess
from pathlib import Path

from corelab_bench.load import LoadError
from corelab_bench.process import on_cpus
from corelab_bench.scenarios import Limits, TimedLoad

SEED = 20250101
CONNECT_SECONDS = 45.0
INVALID = 3  # its exit code
WRK_MINIMUM_SECONDS = 1
WRK_PATIENCE_SECONDS = 30.0
KEPT = ("requests", "due", "unanswered", "achieved_rate", "bytes", "response_ms", "service_ms", "errors")
KEPT_OF_RUN = KEPT + ("asked_rate", "lag_ms", "mean_in_flight", "mean_in_flight_by_littles_law", "mean_queued",
                      "starved_connections", "answers_per_connection", "connections_established", "connects", "retried",
                      "seconds", "generator_cpu_share", "invalid")
WRK_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def command(program: Path, load: TimedLoad, limits: Limits, port: int, seconds: float, warm_up: float, rate: float,
            seed: int, spins: bool = True) -> list[str]:
    schedule = ["--rate", f"{rate:g}", "--arrivals", load.arrivals] if rate > 0 else []
    classes = [word for name, text in load.classes.items() for word in ("--class", f"{name}={text}")]
    return [str(program), "--target", f"http://127.0.0.1:{port}/", "--connections", str(load.connections),
            "--duration", f"{seconds:g}", "--warm-up", f"{warm_up:g}", *schedule, *classes, "--seed", str(seed),
            "--grace", f"{load.grace:g}", "--max-lag", f"{limits.max_lag_ms:g}",
            "--max-unanswered", f"{load.max_unanswered:g}",
            "--min-kept", f"{load.min_kept:g}", *([] if spins else ["--spin", "0"]), "--quiet",
            "--json", "-"]


def run(program: Path, load: TimedLoad, limits: Limits, port: int, seconds: float, cpus: list[int], *, seed: int,
        rate: float | None = None, warm_up: float = 0.0, spins: bool = True) -> dict:
    """The result without its histograms: percentiles belong to a trial and are never pooled. `spins` says that the
    generator has CPUs of its own to watch the clock on."""
    asked = load.rate if rate is None else rate
    words = command(program, load, limits, port, seconds, warm_up, asked, seed, spins)
    limit = CONNECT_SECONDS + warm_up + seconds + load.grace
    try:
        done = subprocess.run(on_cpus(words, cpus, "KILL"), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=limit, start_new_session=True)
    except subprocess.TimeoutExpired as late:
        raise LoadError(f"corelab-load did not end within {limit:g} s") from late
    if done.returncode not in (0, INVALID):  # an INVALID result says why itself
        last = done.stderr.strip().splitlines()
        raise LoadError(last[-1] if last else f"corelab-load ended with {done.returncode}")
    result = json.loads(done.stdout)
    kept = {key: result[key] for key in KEPT_OF_RUN}
    kept["classes"] = {name: {key: of_class[key] for key in KEPT} for name, of_class in result["classes"].items()}
    if load.late_ms:
        kept["late_share"] = late_share(result["classes"][load.of_class], load.late_ms)
    return kept


def late_share(of_class: dict, late_ms: float) -> float:
    """Of the requests due: answered later than that, or not at all."""
    in_time = sum(count for bin_ms, count in of_class["response_histogram"] if bin_ms <= late_ms)
    return 1 - in_time / of_class["due"] if of_class["due"] else 1.0


def wrk_latency(load: TimedLoad, port: int, seconds: float, cpus: list[int]) -> dict:
    """{rate, p50_ms, p99_ms} as wrk prints them for the first class: from answers alone, from when they were sent."""
    words = ["wrk", "-t1", f"-c{load.connections}", f"-d{max(math.ceil(seconds), WRK_MINIMUM_SECONDS)}s", "--latency",
             f"http://127.0.0.1:{port}{load.path}"]
    try:
        done = subprocess.run(on_cpus(words, cpus, "KILL"), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=seconds + WRK_PATIENCE_SECONDS, start_new_session=True)
    except subprocess.TimeoutExpired as late:
        raise LoadError("wrk did not end in time") from late
    return parse_wrk_latency(done.stdout)


def parse_wrk_latency(output: str) -> dict:
    found = dict(re.findall(r"^ +(50|99)% +(\S+)$", output, re.MULTILINE))
    rate = re.search(r"Requests/sec: +(\S+)", output)
    if len(found) < 2 or not rate:
        raise LoadError("wrk printed no latencies")
    return {"rate": float(rate[1]), "p50_ms": wrk_time(found["50"]), "p99_ms": wrk_time(found["99"])}


def wrk_time(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    if not found:
        raise LoadError(f"wrk printed a time that is none: {text}")
    return float(found[1]) * WRK_UNITS[found[2]]
