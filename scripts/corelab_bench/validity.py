"""The gates: a trial that does not prove itself is INVALID, with the reason. Each gate has a test that makes it fire.

They read the written record only, so that a reader of the raw data can apply them again.
"""

from corelab_bench import saturation
from corelab_bench.scenarios import Limits

# A policy that closes connections says so in a header that the checked answer did not have.
CONNECTION_HEADER_BYTES = 24
# Slow clients come back when a server has closed on them: a few are always on their way.
STAYED = 0.9
# Of the shares of a sweep: fewer make no curve.
LEAST_OF_CURVE = 0.5
LATE = "the generator was late"


def load_gates(record: dict, limits: Limits) -> list[str]:
    """Reasons not to believe a load trial; none when it is valid."""
    reasons = answer_gates(record) + process_gates(record) + machine_gates(record, limits) + beside_gates(record)
    load = record.get("load")
    if not load:
        return reasons or ["no load was measured"]
    errors = {name: count for name, count in load["errors"].items() if count}
    if sum(errors.values()) > limits.max_error_share * load["requests"]:
        words = ", ".join(f"{count} {'answers of status 400 or more' if name == 'status' else name + ' errors'}"
                          for name, count in errors.items())
        reasons.append(f"wrk met {words}")
    if load["requests"] < limits.min_requests:
        reasons.append(f"{load['requests']} requests: fewer than {limits.min_requests} give no rate")
    elif reason := size_gate(record):
        reasons.append(reason)
    held = record.get("connections_established")
    if held is not None and held < record["held"]:
        reasons.append(f"{held} of {record['held']} connections were established")
    return reasons


def idle_gates(record: dict, _: Limits) -> list[str]:
    """Memory does not depend on how much of the CPU others took meanwhile."""
    reasons = answer_gates(record) + process_gates(record)
    if len(record.get("steps", [])) < 2:
        reasons.append("fewer than two numbers of connections were measured: no slope")
    if any(step["unreadable"] for step in record.get("steps", [])):
        reasons.append("the memory of a process could not be read")
    return reasons


def latency_gates(record: dict, limits: Limits) -> list[str]:
    """What corelab-load says of itself stands beside what the harness saw."""
    reasons = answer_gates(record) + process_gates(record) + machine_gates(record, limits) + beside_gates(record)
    timed = record.get("timed")
    if not timed:
        return reasons or ["no load was measured"]
    if others := record.get("neighbour"):
        if others["problem"]:
            reasons.append(f"the neighbour: {others['problem']}")
        elif others["answers"] == 0:
            reasons.append("the neighbour had no answer")
    return reasons + timed["invalid"] + sampled_gates(record, timed)


def sweep_gates(record: dict, limits: Limits) -> list[str]:
    """Its loads are judged one by one, below; the trial is INVALID where they leave too little for what it claims."""
    reasons = answer_gates(record) + process_gates(record)
    if reasons:
        return reasons
    rejected = record.get("rejected", [])
    spoiled = "; ".join(dict.fromkeys(reason for load in rejected for reason in load["invalid"]))
    if rejected and not record["capacity"]:
        return [f"no closed loop was valid: {spoiled}"]
    found = record.get("saturation")
    if not found:
        return ["no load was measured"]
    if found["rate"] is None:
        return [f"the search did not converge: a probe was rejected {saturation.TRIES} times in a row: {spoiled}"]
    if found["rate"] == 0:
        return [f"no rate kept its 99th percentile within {found['slo_ms']:g} ms"]
    if len(record["steps"]) < LEAST_OF_CURVE * len(saturation.shares(record)):
        return [f"fewer than {LEAST_OF_CURVE:.0%} of the loads of its curve were valid: {spoiled}"]
    return []


def sweep_load_gates(record: dict, one: dict, limits: Limits) -> list[str]:
    """Reasons to reject one load of a sweep. A rate that is not kept is what a sweep looks for.

    Lag ends when the generator sees to a request, whether or not a connection is idle then: however long a server
    makes requests queue, it is the generator's, and is judged at any rate. Only where the two share a CPU does an
    overloaded server make the generator late; there it is judged below the server's capacity alone."""
    doubts = one["invalid"] + sampled_gates(record, one) + machine_gates(one, limits)
    shared = set(record["server_cpus"]) & set(record["generator_cpus"])
    if shared and not (one["share"] is not None and one["share"] < 1):
        doubts = [doubt for doubt in doubts if LATE not in doubt]
    return list(dict.fromkeys(doubts))


def sampled_gates(record: dict, timed: dict) -> list[str]:
    """Bytes an answer, class by class, must be those of the answers that were checked."""
    wrong = []
    for size, (name, figures) in zip(record.get("answer_bytes", []), timed["classes"].items()):
        mean = figures["bytes"] / figures["requests"] if figures["requests"] else size
        if not size * 0.995 <= mean <= size * 1.005 + CONNECTION_HEADER_BYTES:
            wrong.append(f"the answers of class {name} have another size than the one that was checked")
    return wrong


def answer_gates(record: dict) -> list[str]:
    return [f"answer {when}: {record[key]}" for when, key in
            (("before the load", "wrong_before"), ("after the load", "wrong_after")) if record.get(key)]


def process_gates(record: dict) -> list[str]:
    reasons = []
    if record.get("problem"):
        reasons.append(record["problem"])
    if record.get("died"):
        reasons.append(f"the server died: {record['died']}")
    elif ended := record.get("cpu", {}).get("ended", 0) or record.get("processes_ended", 0):
        reasons.append(f"{ended} of the target's processes ended during the load")
    return reasons


def beside_gates(record: dict) -> list[str]:
    """What was to be there beside the load was there, to its end."""
    others = record.get("beside")
    if not others:
        return []
    if others["problem"]:
        return [f"beside the load: {others['problem']}"]
    return [f"fewer connections than asked for were open beside the load {when}"
            for when, key, share in (("when it began", "open", 1.0), ("when it ended", "open_at_end", STAYED))
            if others[key] < share * others["asked"]]


def machine_gates(record: dict, limits: Limits) -> list[str]:
    machine = record.get("machine", {})
    steal, foreign = machine.get("steal_share", 0.0), machine.get("foreign_share", 0.0)
    reasons = []
    # Without the figure itself, so that the report can count the trials that have the same reason.
    if steal > limits.max_steal:
        reasons.append(f"the hypervisor took more than {limits.max_steal:.0%} of the CPU time")
    if foreign > limits.max_foreign:
        reasons.append(f"other processes took more than {limits.max_foreign:.0%} of the CPU time")
    if record.get("hiccup_ms", 0.0) > limits.max_hiccup_ms:
        reasons.append(f"the machine paused for more than {limits.max_hiccup_ms:g} ms")
    return reasons


def size_gate(record: dict) -> str:
    """Sampled during: bytes a request must be those of the answers that were checked."""
    load = record["load"]
    sizes = record["answer_bytes"]
    mean = load["bytes"] / load["requests"]
    ends = len(record.get("turns", [])) or 1  # each with requests in flight
    in_flight = ends * record["connections"] * record["pipeline"] * max(sizes) / load["requests"]
    if not min(sizes) * 0.995 <= mean <= max(sizes) * 1.005 + CONNECTION_HEADER_BYTES + in_flight:
        return f"{mean:.1f} bytes a request, where the checked answer has {' or '.join(map(str, sizes))}"
    return ""


def spread_gate(spread: float, limits: Limits) -> str:
    """Run-to-run spread of one entry over its blocks, as the standard deviation of its log ratio to the reference."""
    if spread > limits.max_spread:
        return f"its ratio to the reference spreads by {spread:.0%} over the blocks, more than {limits.max_spread:.0%}"
    return ""


def balance_gates(record: dict, _: Limits) -> list[str]:
    """Counts do not depend on how much of the CPU others took meanwhile."""
    reasons = answer_gates(record) + process_gates(record)
    made = record.get("openings")
    if not made:
        return reasons or ["no opening was counted"]
    if any(sum(opening["connections"]) != record["connections"] for opening in made):
        reasons.append("the workers' connections do not add up to those that were opened")
    return reasons


def crash_gates(record: dict, limits: Limits) -> list[str]:
    """That a process ends is what the trial is about; that requests were in trouble before is not."""
    reasons = answer_gates(record) + machine_gates(record, limits)
    if record.get("problem"):
        reasons.append(record["problem"])
    crash = record.get("crash")
    if not crash:
        return reasons or ["no load was measured"]
    if crash["trouble_before"] > 0:
        reasons.append("requests were lost or late before any process got a signal")
    return reasons


GATES = {"load": load_gates, "idle": idle_gates, "latency": latency_gates, "sweep": sweep_gates,
         "balance": balance_gates, "crash": crash_gates}
