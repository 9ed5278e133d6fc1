"""The saturation search: the highest rate at which a server keeps its promise to clients, its service level objective.

A closed loop's rate is what a server reaches when nobody minds how long an answer takes. Here each probe offers a rate
by an open loop and asks: did the 99th percentile stay within the objective, were at most 0.1 % of the requests left
without an answer, and was the rate kept?
"""

from collections.abc import Callable

MOST_UNANSWERED = 0.001
LEAST_KEPT = 0.98
FIRST_SHARE, MOST_SHARE = 0.9, 1.1  # of the closed loop's rate: where to begin, and what no server is expected to keep
PROBES = 5  # each halves what is still unknown: 2.5 % of the closed loop's rate is left near the top


def keeps(step: dict, slo_ms: float) -> bool:
    """Did a server keep the objective in a result of corelab-load's?"""
    p99, due = step["response_ms"]["p99"], step["due"]
    return (due > 0 and p99 is not None and p99 <= slo_ms and step["unanswered"] <= MOST_UNANSWERED * due
            and step["requests"] >= LEAST_KEPT * due)


def search(offer: Callable[[float], dict], closed_rate: float, slo_ms: float) -> dict:
    """`offer(rate)` measures; the result is {rate, slo_ms, probes}, its rate 0 when none was kept."""
    low, high, rate = 0.0, MOST_SHARE * closed_rate, FIRST_SHARE * closed_rate
    probes = []
    for _ in range(PROBES):
        step = offer(rate)
        kept = keeps(step, slo_ms)
        probes.append({"rate": rate, "p99_ms": step["response_ms"]["p99"], "due": step["due"],
                       "requests": step["requests"], "unanswered": step["unanswered"], "kept": kept})
        low, high = (rate, high) if kept else (low, rate)
        rate = (low + high) / 2
    return {"rate": low, "slo_ms": slo_ms, "probes": probes}
