"""How late a process would be that does nothing but watch the clock: the part of a generator's lag that the machine makes.

Run as `python -m corelab_bench.spin SECONDS`: a process of its own, in the place of the generator. It prints the pauses,
in ns, between two looks at the clock. They are the hypervisor's, other processes' and interrupts', none its own.
"""

import gc
import json
import subprocess
import sys
import time

from corelab_bench import repo
from corelab_bench.load import LoadError
from corelab_bench.process import environment, on_cpus

SHORTEST_NS = 10_000  # a look takes a fraction of a microsecond
PATIENCE_SECONDS = 10.0


def watch(seconds: float, cpus: list[int], others: list[int]) -> list[int]:
    """The pauses that such a process met on `cpus` in so many seconds, in ns. A second one keeps the `others` busy, as
    the server does: what else wants to run must have as little choice as then."""
    watched, beside = (start(seconds, where) for where in (cpus, others))
    try:
        output, _ = watched.communicate(timeout=seconds + PATIENCE_SECONDS)
    except subprocess.TimeoutExpired as late:
        raise LoadError("the process that watches the clock did not end in time") from late
    finally:
        for process in (watched, beside):
            process.kill()
            process.communicate()
    if not output:
        raise LoadError("the process that watches the clock said nothing")
    return json.loads(output)


def start(seconds: float, cpus: list[int]) -> subprocess.Popen:
    words = [sys.executable, "-m", "corelab_bench.spin", f"{seconds:g}"]
    return subprocess.Popen(on_cpus(words, cpus, "KILL"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            start_new_session=True,
                            env=environment() | {"PYTHONPATH": str(repo.ROOT / "scripts")})


def lag_ms(pauses_ns: list[int], seconds: float, quantile: float) -> float:
    """By how much that process sees to an arrival too late, at this quantile, arrivals coming evenly: one that falls
    into a pause is seen at its end, so that a pause of g makes all lags up to g alike likely."""
    allowed = (1 - quantile) * seconds * 1e9  # ns of arrivals that may be later than the answer
    above, count = 0, 0
    longest = sorted(pauses_ns, reverse=True)
    for pause, shorter in zip(longest, longest[1:] + [0]):
        above, count = above + pause, count + 1
        # For a lag x between `shorter` and `pause`, the arrivals later than it are above - count * x.
        if above - count * shorter >= allowed:
            return max(above - allowed, 0) / count / 1e6
    return 0.0


def look(seconds: float) -> list[int]:
    clock, pauses = time.monotonic_ns, []
    gc.disable()
    before = clock()
    end = before + int(seconds * 1e9)
    while before < end:
        now = clock()
        if now - before > SHORTEST_NS:
            pauses.append(now - before)
        before = now
    return pauses


if __name__ == "__main__":
    print(json.dumps(look(float(sys.argv[1]))))
