"""Single requests from both ends: the client's times and the server's trace belong together."""

import os
import tempfile
import unittest
from pathlib import Path

import numpy as np
import support

from corelab_bench import repo, request_trace, scenarios, targets, trial
from corelab_bench.lessons import stall, stall_requests
from corelab_bench.request_trace import Asked

BIN = Path(os.environ.get("CORELAB_BIN_DIR", repo.DEFAULT_BIN))
STALL = scenarios.TimedLoad(classes={"fast": "95:/plaintext", "slow": "5:/block?ms=50"}, rate=200, connections=8)


def handler(begin: float, seconds: float, connection: int) -> dict:
    return {"name": "handler", "ts": begin * 1e6, "dur": seconds * 1e6, "pid": 1, "tid": 7,
            "args": {"connection": connection}}


class Rows(unittest.TestCase):
    def test_a_request_gets_the_handler_that_its_connection_ran_for_it(self):
        events = [{"name": "queued", "ts": 0, "dur": 1, "pid": 1, "tid": 7, "args": {"connection": 9}},
                  handler(0.5, 0.01, 40),  # somebody else's, before
                  handler(1.1, 0.01, 41), handler(2.1, 0.01, 42),  # greetings of the two connections
                  handler(10.0, 0.05, 42), handler(10.06, 0.0, 41), handler(10.07, 0.0, 42)]
        asked = [Asked(10.0, "slow", "/s", 1, 10.0, 10.051), Asked(10.01, "fast", "/f", 0, 10.01, 10.061),
                 Asked(10.02, "fast", "/f", 1, 10.052, 10.071), Asked(10.03, "fast", "/f")]
        rows = request_trace.rows(asked, [(1.0, 1.2), (2.0, 2.2)], request_trace.handlers(events))
        self.assertEqual([row.get("handler") for row in rows],
                         [[0.0, 50.0, 0], [60.0, 60.0, 0], [70.0, 70.0, 0], None])
        self.assertEqual(rows[1], {"due": 10.0, "class": "fast", "sent": 10.0, "answered": 61.0,
                                   "handler": [60.0, 60.0, 0]})
        self.assertNotIn("answered", rows[3])

    def test_the_same_arrivals_for_every_entry_at_the_rate_that_is_asked(self):
        listed = request_trace.arrivals(STALL, 50)
        self.assertEqual(listed, request_trace.arrivals(STALL, 50))
        self.assertAlmostEqual(len(listed) / 50, 200, delta=6)
        self.assertAlmostEqual(sum(name == "slow" for _, name in listed) / len(listed), 0.05, delta=0.01)


class Theory(unittest.TestCase):
    def test_the_distribution_has_the_mean_that_pollaczek_and_khinchine_give(self):
        times = np.linspace(0, 1000, 20001)
        shares = stall_requests.share_waiting_at_most(STALL, times)
        self.assertAlmostEqual(shares[0], 0.5)  # the loop is blocked for half of the time
        self.assertTrue((np.diff(shares) >= -1e-9).all())
        self.assertAlmostEqual(np.trapz(1 - shares, times), stall.mean_wait_ms(STALL), delta=0.1)

    def test_it_knows_one_kind_of_mix_only(self):
        other = scenarios.TimedLoad(classes={"a": "1:/block?ms=5", "b": "1:/block?ms=9"}, rate=10)
        self.assertIsNone(stall_requests.share_waiting_at_most(other, np.array([1.0])))
        overloaded = scenarios.TimedLoad(classes={"a": "1:/plaintext", "b": "1:/block?ms=50"}, rate=200)
        self.assertIsNone(stall_requests.share_waiting_at_most(overloaded, np.array([1.0])))


class Pass(unittest.TestCase):
    def test_a_blocked_loop_and_threads_are_seen_from_both_ends(self):
        catalogue = targets.load_catalogue(BIN, repo.PEERS)
        scenario = scenarios.load_scenarios(repo.SCENARIOS, catalogue)["stall"]
        cpus = sorted(os.sched_getaffinity(0))
        with tempfile.TemporaryDirectory() as folder:
            done = request_trace.measure([scenario], catalogue, {"stall": trial.Placement(cpus[:1], cpus[-1:])}, 0.5,
                                         Path(folder))
            lines = request_trace.load(Path(folder), "stall")
        self.assertEqual(done, {"seconds": 0.5, "failures": []})
        self.assertEqual(set(lines), set(scenario.trace))
        for label, line in lines.items():
            with self.subTest(label):
                self.assertGreater(len(line["requests"]), 50)
                for row in line["requests"]:
                    begin, end, _ = row["handler"]
                    self.assertTrue(row["due"] <= row["sent"] <= begin <= end <= row["answered"], row)
                    if row["class"] == "slow":
                        self.assertGreaterEqual(end - begin, 50)
        slices = sorted(row["handler"][:2] for row in lines["event-loop"]["requests"])
        self.assertTrue(all(end <= begin for (_, end), (begin, _) in zip(slices, slices[1:])),
                        "a loop runs one handler at a time")

    def test_a_profile_may_leave_it_out(self):
        done = request_trace.measure([support.scenario()], support.catalogue("fake"), {}, 0, Path("/nowhere"))
        self.assertEqual(done, {"seconds": 0, "failures": []})

    def test_a_mistake_in_a_scenario_is_named(self):
        with self.assertRaisesRegex(scenarios.ScenarioError, "trace names nosuch, which is no entry"):
            support.scenario(trace=["nosuch"])
        with self.assertRaisesRegex(scenarios.ScenarioError, "only the requests of a latency scenario"):
            support.scenario(trace=["fake"])


if __name__ == "__main__":
    unittest.main()
