"""What somebody's requests are like: the questions, the answers as a value, and the load that is made of them."""

import argparse
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from corelab_bench.scenarios import TimedLoad


@dataclass(frozen=True)
class Need:
    """What somebody's requests are like, and what they must have."""

    wait_ms: float = 20  # a request waits that long for something else
    cpu_us: float = 100  # and computes that long
    blocks: bool = False  # its library blocks the thread while it waits
    connections: int = 64
    slow_share: float = 0.0  # of the requests wait slow_ms instead
    slow_ms: float = 500
    p99_ms: float = 0.0  # 99 of 100 answers within that; 0: as many a second as possible
    memory_mib: float = 0.0  # of the whole server; 0: no limit
    isolation: bool = False  # a crash may take one worker's requests with it and no others
    gil: bool = False  # handlers hold an interpreter lock: only processes run in parallel


QUESTIONS = {
    "wait_ms": "milliseconds that a request waits for a database, an upstream, a disk",
    "cpu_us": "microseconds of CPU time that it computes",
    "blocks": "does its library block the thread while it waits (yes or no)",
    "connections": "connections open at once",
    "slow_share": "share of requests that wait much longer (0 to 1)",
    "slow_ms": "milliseconds that those wait",
    "p99_ms": "milliseconds within which 99 of 100 must be answered (0: as many a second as possible)",
    "memory_mib": "MiB that the server may take (0: no limit)",
    "isolation": "must a crash leave other workers' requests alone (yes or no)",
    "gil": "do handlers hold an interpreter lock, as Python's do (yes or no)",
}


def parse_need(arguments: argparse.Namespace, ask: Callable[[str], str] | None) -> Need:
    """Flags first; what they do not say is asked where there is somebody to ask, else the default holds."""
    values = {}
    for field_ in dataclasses.fields(Need):
        text = getattr(arguments, field_.name)
        if text is None and ask is not None:
            default = {True: "yes", False: "no"}.get(field_.default, f"{field_.default:g}") \
                if isinstance(field_.default, bool) else f"{field_.default:g}"
            text = ask(f"{QUESTIONS[field_.name]} [{default}]: ").strip() or None
        if text is not None:
            values[field_.name] = parse_value(field_.name, field_.default, text)
    return Need(**values)


def parse_value(name: str, default, text: str):
    flag = "--" + name.replace("_", "-")
    if isinstance(default, bool):
        if text.lower() in ("yes", "y", "no", "n"):
            return text.lower().startswith("y")
        raise ValueError(f"{flag}: '{text}' is neither yes nor no")
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    most = 1.0 if name == "slow_share" else 20_000 if name == "connections" else 60_000_000
    least = 1 if name == "connections" else 0
    if not least <= number <= most:
        raise ValueError(f"{flag}: '{text}' is not a number from {least} to {most:g}")
    return int(number) if name == "connections" else number


def load_of(need: Need) -> TimedLoad:
    def path(wait_ms: float) -> str:
        if wait_ms > 0:
            return f"/{'block' if need.blocks else 'sleep'}?ms={round(wait_ms)}&us={round(need.cpu_us)}"
        return f"/cpu?us={round(need.cpu_us)}" if need.cpu_us > 0 else "/plaintext"

    classes = {"usual": f"{1 - need.slow_share:g}:{path(need.wait_ms)}"} if need.slow_share < 1 else {}
    if need.slow_share > 0:
        classes["slow"] = f"{need.slow_share:g}:{path(need.slow_ms)}"
    return TimedLoad(classes=classes, connections=need.connections, max_unanswered=0.001, min_kept=0.9)


def describe(need: Need) -> str:
    parts = [f"{need.connections} connections"]
    waits = f"waits {need.wait_ms:g} ms" + (" in a library that blocks" if need.blocks else "")
    parts.append(f"a request {waits if need.wait_ms else 'waits for nothing'} and computes {need.cpu_us:g} µs")
    if need.slow_share:
        parts.append(f"{need.slow_share:.0%} of them wait {need.slow_ms:g} ms")
    return "Your load: " + "; ".join(parts) + "."
