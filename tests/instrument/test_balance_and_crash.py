"""Trials of kinds balance and crash against corelab's prefork cores."""

import os
import unittest
from pathlib import Path

import support

from corelab_bench import repo, targets, trial

BIN = Path(os.environ.get("CORELAB_BIN_DIR", repo.DEFAULT_BIN))


def measure(core: str, flags: tuple[str, ...], seconds: float, **changes) -> dict:
    tested = support.scenario(**changes)
    entry = tested.entries[0].__class__("fake", core, flags)
    target = next(target for target in targets.cores(BIN) if target.name == core)
    cpus = sorted(os.sched_getaffinity(0))
    return trial.measure(trial.Slot(tested, entry, 0, 0, "", seconds, 0.0), target,
                         trial.Placement(cpus[:1], cpus[-1:]))


class Trials(unittest.TestCase):
    def test_every_connection_is_counted_once(self):
        record = measure("prefork-evented", ("--workers", "2"), 0.0, kind="balance", compare="largest_share",
                         load={"path": "/plaintext", "connections": 8, "workers": 2})
        self.assertEqual(record["invalid"], [])
        self.assertEqual([sum(opening["connections"]) for opening in record["openings"]], [8] * 3)
        self.assertEqual({len(opening["requests"]) for opening in record["openings"]}, {2})

    @support.unless_disturbed
    def test_the_end_of_the_only_process_is_seen_by_every_later_request(self):
        record = measure("thread-per-connection", (), 1.6, kind="crash", compare="recovery_ms",
                         load={"path": "/plaintext", "connections": 4, "rate": 50})
        self.assertTrue(record["crash"]["alone"])
        self.assertIsNone(record["crash"]["recovery_seconds"])
        self.assertGreater(record["crash"]["lost"]["refused"], 40)

    @support.unless_disturbed
    def test_a_supervisor_restarts_what_was_killed(self):
        record = measure("prefork", ("--workers", "6", "--keep-alive-policy", "hold"), 1.6, kind="crash",
                         compare="recovery_ms", load={"path": "/plaintext", "connections": 4, "rate": 50})
        self.assertFalse(record["crash"]["alone"])
        self.assertNotIn("died", record)
        self.assertLess(sum(record["crash"]["lost"].values()), 40)
        self.assertEqual(record["crash"]["due"], 80)


if __name__ == "__main__":
    unittest.main()
