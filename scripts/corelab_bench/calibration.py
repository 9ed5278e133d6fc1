"""What the generators themselves can do, against the cheapest server there is: a rate above it is not the server's.

wrk is the measure: corelab-load aims at half of its rate on one CPU or more, and at a schedule that is kept when it is
asked for half of wrk's rate.
"""

from pathlib import Path

from corelab_bench import http_check, load, timed_load
from corelab_bench.process import Server, StartError
from corelab_bench.scenarios import Limits, Load, TimedLoad
from corelab_bench.targets import Catalogue

TARGET = "floor-epoll"
PATH = "/plaintext"
AIM_SHARE = 0.5  # of wrk's rate
AIM_LAG_P99_MS = 1.0


def measure(catalogue: Catalogue, bin_dir: Path, seconds: float, server_cpus: list[int],
            generator_cpus: list[int]) -> dict:
    """Rates of both and the lag of corelab-load at half of wrk's rate, or {"absent": reason}."""
    target = catalogue[TARGET]
    if target.absent:
        return {"absent": target.absent}
    asked, limits = TimedLoad(classes={"all": f"1:{PATH}"}), Limits()
    alone = not set(server_cpus) & set(generator_cpus)

    def timed(port: int, rate: float) -> dict:
        return timed_load.run(bin_dir / "corelab-load", asked, limits, port, seconds, generator_cpus,
                              seed=timed_load.SEED, rate=rate, warm_up=seconds / 4, spins=alone)

    try:
        with Server(target.command, (), server_cpus, target.folder) as server:
            server.wait_until(lambda: answers(server.port))
            wrk = load.run(Load(path=PATH), server.port, seconds, generator_cpus).rate
            closed = timed(server.port, 0.0)["achieved_rate"]
            half = timed(server.port, max(AIM_SHARE * wrk, 1.0))
    except (StartError, load.LoadError, OSError) as problem:
        return {"absent": f"the generators could not be compared: {problem}"}
    return {"target": TARGET, "seconds": seconds, "connections": asked.connections, "wrk_rate": wrk,
            "closed_rate": closed, "asked_rate": half["asked_rate"], "achieved_rate": half["achieved_rate"],
            "lag_ms": {name: half["lag_ms"][name] for name in ("p50", "p99")}}


def answers(port: int) -> bool:
    try:
        return http_check.fetch(port, PATH, False).status == 200
    except OSError:
        return False


def aims(measured: dict) -> list[tuple[str, str, str, str]]:
    """(figure, value, aim, word) for the report."""
    share = measured["closed_rate"] / measured["wrk_rate"] if measured["wrk_rate"] else 0.0
    lag = measured["lag_ms"]

    def word(met: bool) -> str:
        return "met" if met else "not met"

    return [("wrk, closed loop", f"{measured['wrk_rate']:,.0f}/s", "–", "–"),
            ("corelab-load, closed loop", f"{measured['closed_rate']:,.0f}/s, {share:.0%} of wrk's",
             f"≥ {AIM_SHARE:.0%} of wrk's", word(share >= AIM_SHARE)),
            (f"corelab-load asked for {measured['asked_rate']:,.0f}/s: schedule lag",
             f"p50 {milliseconds(lag['p50'])}, p99 {milliseconds(lag['p99'])}", f"p99 < {AIM_LAG_P99_MS:g} ms",
             word(lag["p99"] is not None and lag["p99"] < AIM_LAG_P99_MS))]


def milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f} ms"
