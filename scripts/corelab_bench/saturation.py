"""The saturation search: the highest rate at which a server keeps its promise to clients, its service level objective.

A closed loop's rate is what a server reaches when nobody minds how long an answer takes. Here each probe offers a rate
by an open loop and asks: did the 99th percentile stay within the objective, were at most 0.1 % of the requests left
without an answer, and was the rate kept?

Each load of such a trial is judged by itself: one that the machine or the generator spoiled is rejected, with its
reasons, and offered again, a few times at most. What cannot be had that way makes the trial INVALID; see validity.
"""

from collections.abc import Callable

MOST_UNANSWERED = 0.001
LEAST_KEPT = 0.98
FIRST_SHARE, MOST_SHARE = 0.9, 1.1  # of the closed loop's rate: where to begin, and what no server is expected to keep
PROBES = 5  # each halves what is still unknown: 2.5 % of the closed loop's rate is left near the top
TRIES = 5  # of the closed loop and of each probe: the trial hangs on them
STEP_TRIES = 2  # of a load of the curve, which has others


def until_valid(offer: Callable[[], dict], tries: int, rejected: list[dict]) -> dict | None:
    """The first valid result of `offer()`; nothing after so many tries. The others join `rejected`."""
    for _ in range(tries):
        load = offer()
        if not load["invalid"]:
            return load
        rejected.append(load)
    return None


def keeps(step: dict, slo_ms: float) -> bool:
    """Did a server keep the objective in a result of corelab-load's?"""
    p99, due = step["response_ms"]["p99"], step["due"]
    return (due > 0 and p99 is not None and p99 <= slo_ms and step["unanswered"] <= MOST_UNANSWERED * due
            and step["requests"] >= LEAST_KEPT * due)


def search(offer: Callable[[float], dict], closed_rate: float, slo_ms: float, rejected: list[dict]) -> dict:
    """`offer(rate)` measures; the result is {rate, slo_ms, probes}, its rate 0 when none was kept, and null when a probe
    was INVALID as often as it was tried: the search goes no further then."""
    low, high, rate = 0.0, MOST_SHARE * closed_rate, FIRST_SHARE * closed_rate
    probes = []
    for _ in range(PROBES):
        load = until_valid(lambda: offer(rate), TRIES, rejected)
        if load is None:
            return {"rate": None, "slo_ms": slo_ms, "probes": probes}
        kept = keeps(load, slo_ms)
        probes.append({"rate": rate, "p99_ms": load["response_ms"]["p99"], "due": load["due"],
                       "requests": load["requests"], "unanswered": load["unanswered"], "kept": kept})
        low, high = (rate, high) if kept else (low, rate)
        rate = (low + high) / 2
    return {"rate": low, "slo_ms": slo_ms, "probes": probes}


def shares(trial: dict) -> list[float]:
    """The shares of the highest rate that were offered, whatever became of each."""
    loads = trial["steps"] + trial.get("rejected", [])
    return sorted({load["share"] for load in loads if load.get("share") is not None})


def part(load: dict) -> str:
    """What a load was there for, in words."""
    if load["share"] is not None:
        return f"{load['share']:.0%}"
    return "search" if load["rate"] else "closed loop"


def rejections(trials: list[dict]) -> list[str]:
    """Reasons, each with how many of the loads of these trials were rejected for it, and which."""
    parts: dict[str, list[str]] = {}
    for trial in trials:
        for load in trial.get("rejected", []):
            for reason in load["invalid"]:
                parts.setdefault(reason, []).append(part(load))
    return [f"{reason} ({len(found)} of their loads: {', '.join(dict.fromkeys(found))})"
            for reason, found in parts.items()]
