"""When a scenario has been measured enough: a rule that is fixed before the first trial.

It looks at how wide the intervals are and never at where they lie, so that it favours no verdict.
"""

import math

from corelab_bench import analysis
from corelab_bench.schedule import AGAIN
from corelab_bench.summary import trial_metrics


def half_widths(source: dict, trials: list[dict]) -> dict[str, float]:
    """Half the width of each entry's paired log ratio to the reference, A/A included. An entry with no valid trial is
    not measured and has none; one whose pairs give no interval yet has an infinite one."""
    values: dict[tuple[str, str], dict[int, float]] = {}
    for trial in trials:
        if not trial["invalid"] and source["compare"] in (metrics := trial_metrics(trial)):
            values.setdefault((trial["entry"], trial["role"]), {})[trial["block"]] = metrics[source["compare"]]
    reference = (source["reference"], "")
    widths = {}
    for key, own in values.items():
        if key != reference:
            ratio = analysis.paired_ratio(own, values.get(reference, {}))
            known = ratio is not None and ratio.low is not None
            widths[" ".join(filter(None, key))] = math.log(ratio.high / ratio.low) / 2 if known else math.inf
    return widths


def met(source: dict, trials: list[dict], until: float, min_blocks: int) -> bool:
    """Whether the remaining blocks may be spared. `trials` are those of the scenario's whole blocks so far."""
    if not until or len({trial["block"] for trial in trials}) < max(min_blocks, analysis.WORD_FROM):
        return False
    widths = half_widths(source, trials)
    again = f"{source['reference']} {AGAIN}"
    return again in widths and max(widths.values()) <= until
