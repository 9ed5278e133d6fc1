"""What the generators themselves can do, against the cheapest server there is: a rate above it is not the server's.

wrk is the measure: corelab-load aims at half of its rate on one CPU or more, and at a schedule that is kept when it is
asked for half of wrk's rate. Beside that lag stands the one of a process that only watches the clock, in the same place
just before and just after: that much is the machine's.
"""

from pathlib import Path

from corelab_bench import http_check, load, spin, timed_load
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
            pauses = spin.watch(seconds / 2, generator_cpus, server_cpus)
            half = timed(server.port, max(AIM_SHARE * wrk, 1.0))
            pauses += spin.watch(seconds / 2, generator_cpus, server_cpus)
    except (StartError, load.LoadError, OSError) as problem:
        return {"absent": f"the generators could not be compared: {problem}"}
    return {"target": TARGET, "seconds": seconds, "connections": asked.connections, "wrk_rate": wrk,
            "closed_rate": closed, "asked_rate": half["asked_rate"], "achieved_rate": half["achieved_rate"],
            "lag_ms": {name: half["lag_ms"][name] for name in ("p50", "p99")},
            "spin_lag_ms": {"p50": spin.lag_ms(pauses, seconds, 0.5), "p99": spin.lag_ms(pauses, seconds, 0.99)},
            "paused_share": sum(pauses) / 1e9 / seconds}


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

    rows = [("wrk, closed loop", f"{measured['wrk_rate']:,.0f}/s", "–", "–"),
            ("corelab-load, closed loop", f"{measured['closed_rate']:,.0f}/s, {share:.0%} of wrk's",
             f"≥ {AIM_SHARE:.0%} of wrk's", word(share >= AIM_SHARE)),
            (f"corelab-load asked for {measured['asked_rate']:,.0f}/s: schedule lag",
             f"p50 {milliseconds(lag['p50'])}, p99 {milliseconds(lag['p99'])}", f"p99 < {AIM_LAG_P99_MS:g} ms",
             word(lag["p99"] is not None and lag["p99"] < AIM_LAG_P99_MS))]
    if machine := measured.get("spin_lag_ms"):
        rows.append(("a process that only watches the clock there, just before and after: its lag",
                     f"p50 {milliseconds(machine['p50'])}, p99 {milliseconds(machine['p99'])}", "–", "–"))
    return rows


def whose_lag(measured: dict) -> str:
    """In a sentence: how much of the lag the generator makes itself."""
    lag, machine = measured["lag_ms"]["p99"], measured.get("spin_lag_ms", {}).get("p99")
    if lag is None or machine is None:
        return ""
    rest = max(lag - machine, 0.0)
    return (f"At half of wrk's rate the generator's schedule is {milliseconds(lag)} late at the 99th percentile, and a "
            f"process that only watches the clock in its place {milliseconds(machine)}, being kept off the CPU for "
            f"{measured['paused_share']:.1%} of the time: " +
            ("all of the lag may be the machine's." if rest == 0 else
             f"{milliseconds(rest)} is the generator's own, or of seconds that were worse."))


def milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f} ms"
