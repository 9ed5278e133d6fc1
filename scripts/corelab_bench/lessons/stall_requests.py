"""Lesson stall, request by request: what its trace pass recorded, and what queueing theory says of it."""

import math
import re
from dataclasses import dataclass

import numpy as np

from corelab_bench import request_trace, wording
from corelab_bench.scenarios import TimedLoad
from corelab_bench.summary import Summary

SCENARIO = "stall"
QUICK = "fast"
WAITED_MS = 10.0  # for a handler; less may be the machine's noise
BEFORE_MS, AFTER_MS = 60.0, 40.0  # of the Gantt chart, around the longest wait


@dataclass(frozen=True)
class Traced:
    label: str
    seconds: float
    requests: list[dict]
    is_one_server: bool  # the reference: a loop

    @property
    def quick(self) -> list[dict]:
        return [request for request in self.requests if request["class"] == QUICK and "answered" in request]

    @property
    def response_ms(self) -> np.ndarray:
        return np.array([request["answered"] - request["due"] for request in self.quick])

    @property
    def wait_ms(self) -> np.ndarray:
        """From when a quick request was due until its handler began."""
        return np.array([request["handler"][0] - request["due"] for request in self.quick if "handler" in request])


def traced(run: Summary) -> list[Traced]:
    """The reference first; empty where the run made no such pass."""
    scenario = run.scenario(SCENARIO)
    lines = request_trace.load(run.folder, SCENARIO) if scenario else {}
    found = [Traced(label, line["seconds"], line["requests"], label == scenario.reference)
             for label, line in lines.items()]
    found = [entry for entry in found if len(entry.wait_ms)]
    found.sort(key=lambda entry: not entry.is_one_server)
    return found if found and found[0].is_one_server else []


def share_waiting_at_most(load: TimedLoad, times_ms: np.ndarray) -> np.ndarray | None:
    """The distribution of the wait in a queue with one server, Poisson arrivals and one class that takes a fixed time
    while the others take none (M/D/1, Erlang 1909); None for other mixes."""
    weights = [float(text.partition(":")[0]) for text in load.classes.values()]
    blocked = [re.search(r"[?&]ms=(\d+)", text) for text in load.classes.values()]
    slow = [(weight, float(found[1])) for weight, found in zip(weights, blocked) if found]
    if len(slow) != 1 or not slow[0][1]:
        return None
    service = slow[0][1]
    rate = load.rate / 1e3 * slow[0][0] / sum(weights)
    if rate * service >= 1:
        return None

    def share(wait: float) -> float:
        terms = range(int(wait // service) + 1)
        return (1 - rate * service) * sum(
            (-rate * (wait - k * service)) ** k / math.factorial(k) * math.exp(rate * (wait - k * service))
            for k in terms)
    return np.array([share(time) if time >= 0 else 0.0 for time in times_ms])


def heat_map_message(entries: list[Traced], predicted_ms: float) -> str:
    first = entries[0]
    return (f"Request by request on {first.label}: quick ones wait {wording.number(first.wait_ms.mean())} ms on the "
            f"average of one pass, a queue with one server predicts {wording.number(predicted_ms)} ms")


def gantt_message(entries: list[Traced]) -> str:
    def waiting(entry: Traced) -> str:
        return f"{int((entry.wait_ms > WAITED_MS).sum())} of {len(entry.wait_ms)} on {entry.label}"
    return (f"Quick requests that waited over {WAITED_MS:g} ms for a handler: "
            f"{wording.names(list(map(waiting, entries)))}")


def window(entries: list[Traced]) -> tuple[float, float]:
    """The part of the pass around the reference's longest wait; arrivals are the same for every entry."""
    worst = max((request for request in entries[0].quick if "handler" in request),
                key=lambda request: request["handler"][0] - request["due"])
    return worst["due"] - BEFORE_MS, worst["handler"][0] + AFTER_MS
