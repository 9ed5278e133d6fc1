"""What runs beside a trial: it is there while the load is measured, it ends with it, and its absence is seen."""

import os
import unittest
from pathlib import Path

import support

from corelab_bench import scenarios, targets, trial, validity

BIN = Path(os.environ.get("CORELAB_BIN_DIR", support.ROOT / "build" / "bin"))


def measure(target: targets.Target, **changes) -> dict:
    tested = support.scenario(**changes)
    cpus = sorted(os.sched_getaffinity(0))
    return trial.measure(trial.Slot(tested, tested.entries[0], 0, 0, "", 0.3, 0.1), target,
                         trial.Placement(cpus[:1], cpus[-1:]), BIN)


class Trials(unittest.TestCase):
    def test_idle_connections_stay_through_warm_up_and_load(self):
        record = measure(support.fake_target(), beside={"mode": "idle", "connections": 50})
        self.assertEqual(record["invalid"], [])
        self.assertEqual((record["beside"]["open"], record["beside"]["open_at_end"]), (50, 50))
        self.assertGreaterEqual(record["connections_established"], 54)
        self.assertNotIn("note", record)  # they are not what a warm-up left behind

    def test_slow_clients_are_beside_the_probe_and_not_in_its_figures(self):
        record = measure(support.fake_target(), kind="latency",
                         beside={"mode": "slow-send", "connections": 20, "bytes_per_second": 10},
                         load={"classes": {"all": "1:/plaintext"}, "connections": 4, "rate": 100, "arrivals": "fixed",
                               "min_kept": 0.0})
        self.assertEqual(record["invalid"], [])
        self.assertEqual(record["timed"]["requests"], 30)
        self.assertEqual(record["beside"]["open"], 20)

    @unittest.skipUnless((BIN / "corelab").exists(), "corelab is not built: run `make`")
    def test_an_upstream_is_started_and_named(self):
        core = next(core for core in targets.cores(BIN) if core.name == "event-loop")
        record = measure(core, upstream="event-loop", load={"path": "/upstream?ms=5", "connections": 4})
        self.assertEqual(record["invalid"], [])
        self.assertIn("--upstream 127.0.0.1:", record["command"])
        self.assertGreaterEqual(record["load"]["seconds"] / record["load"]["requests"] * 4, 0.005)

    def test_an_upstream_that_is_not_there_is_said(self):
        tested = support.scenario(upstream="event-loop")
        record = trial.measure(trial.Slot(tested, tested.entries[0], 0, 0, "", 0.2, 0.0), support.fake_target(),
                               trial.Placement([0], [0]), Path("/nonexistent"))
        self.assertIn("corelab", record["refused"])


class Gates(unittest.TestCase):
    def reasons(self, **beside) -> list[str]:
        whole = {"mode": "slow-read", "asked": 100, "open": 100, "open_at_end": 100, "problem": ""} | beside
        return validity.load_gates(support.good_record(beside=whole), scenarios.Limits())

    def test_connections_that_were_not_there(self):
        self.assertEqual(self.reasons(), [])
        self.assertEqual(self.reasons(open_at_end=95), [])
        self.assertEqual(self.reasons(open=99),
                         ["fewer connections than asked for were open beside the load when it began"])
        self.assertEqual(self.reasons(open_at_end=80),
                         ["fewer connections than asked for were open beside the load when it ended"])
        self.assertEqual(self.reasons(problem="no more descriptors"), ["beside the load: no more descriptors"])


if __name__ == "__main__":
    unittest.main()
