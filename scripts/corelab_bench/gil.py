"""The server's own account of its interpreter lock, from its /stats."""

import json

from corelab_bench import http_check

KEPT = ("gil_wait_us", "gil_uncontended", "gil_held_us")


def read_accounts(port: int) -> list[dict]:
    """One for each worker, over the server's life; none where the server keeps no such account."""
    answer = http_check.fetch(port, "/stats")
    if answer.status != 200:
        return []
    workers = json.loads(answer.body)["workers"]
    return [{key: worker[key] for key in KEPT} for worker in workers if "gil_wait_us" in worker]


def median_wait_ms(accounts: list[dict]) -> float | None:
    """Of contended acquisitions, at the worker that waited most often: percentiles of several are not pooled, and the
    few waits of a computing neighbour's own worker are not what is asked."""
    waited = max((account["gil_wait_us"] for account in accounts), key=lambda waits: waits["count"], default=None)
    return waited["p50"] / 1e3 if waited and waited["count"] else None
