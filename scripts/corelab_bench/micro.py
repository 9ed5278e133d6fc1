"""What the pieces cost without a socket: corelab-micro (Google Benchmark), run once a run."""

import json
import subprocess
from pathlib import Path

from corelab_bench.process import environment, on_cpus


def measure(bin_dir: Path, seconds_each: float, cpus: list[int]) -> dict:
    """{"rows": [...]} with nanoseconds of CPU time each, or {"absent": reason}."""
    program = bin_dir / "corelab-micro"
    command = [str(program), "--benchmark_format=json", f"--benchmark_min_time={seconds_each}"]
    if not program.exists():
        return {"absent": "corelab-micro is not built: run `make`"}
    try:
        done = subprocess.run(on_cpus(command, cpus, "KILL"), capture_output=True, text=True, timeout=120,
                              env=environment())
        benchmarks = json.loads(done.stdout)["benchmarks"]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as problem:
        return {"absent": f"corelab-micro gave no numbers ({type(problem).__name__})"}
    to_ns = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
    return {"rows": [{"name": row["name"], "cpu_ns": row["cpu_time"] * to_ns[row["time_unit"]],
                      "real_ns": row["real_time"] * to_ns[row["time_unit"]], "iterations": row["iterations"]}
                     for row in benchmarks if row.get("run_type", "iteration") == "iteration"
                     and not row.get("error_occurred")]}
