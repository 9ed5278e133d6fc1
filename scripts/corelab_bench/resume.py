"""Going on with a run that was interrupted: the same plan, its whole blocks kept, half a block measured anew.

A block is a pairing in time: finishing half a block hours later would pair trials that do not belong together.
"""

import datetime
import json
from collections import Counter
from pathlib import Path

from corelab_bench.schedule import Plan

# An entry that refused to start this often in a row is not asked again in that scenario.
MAX_REFUSALS = 2
SAME_MACHINE = ("kernel", "cpu", "cpus", "memory_bytes")


class Refused(ValueError):
    """This run cannot be gone on with; the text says why, and what to do."""


def manifest_of(folder: Path) -> dict:
    """The manifest of a run that has not come to its end."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
    except (OSError, ValueError) as problem:
        raise Refused(f"{folder} holds no manifest.json that can be read: name a folder of results/") from problem
    if manifest["outcome"]["state"] == "finished":
        raise Refused(f"{folder} has finished: `make report RUN={folder}` makes its report again")
    return manifest


def check(old: dict, now: dict) -> None:
    """`now` is what a run started here would write; what was measured before must be comparable."""
    now = json.loads(json.dumps(now))
    another = "start a new run with `make bench`"
    if old["commit"] != now["commit"] or old["commit"].endswith("-dirty"):
        raise Refused(f"the run is of commit {old['commit']} and this is {now['commit']}: check that commit out, "
                      f"unchanged, or {another}")
    for key in SAME_MACHINE:
        if old["machine"][key] != now["machine"][key]:
            raise Refused(f"the machine differs ({key}): {another}")
    if any(old.get(key) != now[key] for key in ("scenarios", "stop_rules", "time_limit_seconds")):
        raise Refused(f"the scenarios, their plan or what can run here differ: {another}")


def goes_on(old: dict, now: datetime.datetime) -> dict:
    """The manifest of the run as it is gone on with; it says when."""
    return old | {"outcome": {"state": "running"},
                  "resumed": old.get("resumed", []) + [now.isoformat(timespec="seconds")]}


def by_block(trials: list[dict]) -> dict[tuple[str, int], list[dict]]:
    blocks: dict[tuple[str, int], list[dict]] = {}
    for trial in trials:
        blocks.setdefault((trial["scenario"], trial["block"]), []).append(trial)
    return blocks


def keep_whole_blocks(folder: Path, plan: Plan) -> list[dict]:
    """Drops the trials of half-done blocks from trials.ndjson; returns those that stay."""
    path = folder / "trials.ndjson"
    found = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # the last line of a run that was killed
    refused = Counter((trial["scenario"], trial["entry"]) for trial in found if trial.get("refused"))
    blocks = by_block(found)
    kept = []
    for block in plan.blocks:
        trials = blocks.get((block[0].scenario.name, block[0].block), [])
        turns = {(trial["entry"], trial["role"]) for trial in trials}
        # What refused to start so often that it was not asked again is no reason to measure the others anew.
        if trials and all((slot.entry.label, slot.role) in turns or
                          refused[slot.scenario.name, slot.entry.label] >= MAX_REFUSALS for slot in block):
            kept += trials
    temporary = path.with_suffix(".tmp")
    temporary.write_text("".join(json.dumps(trial) + "\n" for trial in kept))
    temporary.replace(path)
    return kept
