"""Trials with corelab-load: what is kept of its result, the gates, and what wrk prints beside it."""

import dataclasses
import os
import unittest
from pathlib import Path

import support

from corelab_bench import load, saturation, scenarios, summary, timed_load, trial, validity
from corelab_bench.lessons import latency_against_load

BIN = Path(os.environ.get("CORELAB_BIN_DIR", support.ROOT / "build" / "bin"))
WRK_OUTPUT = """Running 1s test @ http://127.0.0.1:1/plaintext
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.02ms  300.00us   9.99ms   90.00%
  Latency Distribution
     50%  980.00us
     75%    1.10ms
     90%    1.40ms
     99%    1.20s
  99999 requests in 1.00s, 12.00MB read
Requests/sec:  99999.99
"""


def measure(kind: str, *modes: str, seconds: float = 0.5, block: int = 0, **load_keys) -> dict:
    tested = support.scenario(kind=kind, load={"classes": {"all": "1:/plaintext"}, "connections": 4} | load_keys)
    slot = trial.Slot(tested, tested.entries[0], block, 0, "", seconds, 0.0)
    cpus = sorted(os.sched_getaffinity(0))
    return trial.measure(slot, support.fake_target(*modes), trial.Placement(cpus[:1], cpus[-1:]), BIN)


class Trials(unittest.TestCase):
    def test_a_latency_trial(self):
        record = measure("latency", rate=100, arrivals="fixed", min_kept=0.0)
        self.assertEqual(record["invalid"], [])
        self.assertEqual((record["timed"]["requests"], record["timed"]["asked_rate"]), (50, 100.0))
        self.assertGreater(record["timed"]["classes"]["all"]["response_ms"]["p99"], 0)
        self.assertNotIn("response_histogram", record["timed"])

    def test_entries_of_a_block_meet_the_same_arrivals(self):
        due = [measure("latency", rate=100, block=block)["timed"]["due"] for block in (1, 1, 2)]
        self.assertEqual(due[0], due[1])
        self.assertNotEqual(due[0], due[2])

    def test_wrk_stands_beside_it_where_that_is_asked_for(self):
        record = measure("latency", rate=100, wrk_beside=True)
        self.assertGreater(record["wrk"]["p99_ms"], 0)

    def test_a_sweep_offers_shares_of_the_highest_rate_within_the_objective(self):
        record = measure("sweep", shares=[0.2, 0.5], slo_ms=500)
        self.assertEqual(record["invalid"], [])
        self.assertEqual([step["share"] for step in record["steps"]], [0.2, 0.5])
        for step in record["steps"]:
            self.assertAlmostEqual(step["rate"], step["share"] * record["saturation"]["rate"])
            self.assertAlmostEqual(step["asked_rate"], step["rate"], delta=0.001 * step["rate"])

    def test_a_neighbour_asks_all_the_while_and_is_not_in_the_figures(self):
        record = measure("latency", rate=100, arrivals="fixed", min_kept=0.0, neighbour="/json")
        self.assertEqual(record["invalid"], [])
        self.assertEqual(record["timed"]["requests"], 50)
        self.assertEqual(record["neighbour"]["problem"], "")
        self.assertGreater(record["neighbour"]["answers"], 0)

    def test_a_neighbour_that_loses_its_connection_is_seen(self):
        record = measure("latency", "closes", rate=100, arrivals="fixed", min_kept=0.0, neighbour="/json")
        self.assertTrue(any("the neighbour: it lost its connection" in reason for reason in record["invalid"]),
                        record["invalid"])

    def test_a_neighbour_that_gets_errors_is_seen(self):
        record = measure("latency", "turns-500", rate=100, arrivals="fixed", min_kept=0.0, neighbour="/json")
        self.assertIn("the neighbour: it got an answer of status 500", record["invalid"])

    def test_errors_make_it_invalid(self):
        record = measure("latency", "turns-500", rate=200)
        self.assertTrue(any("status of 400" in reason for reason in record["invalid"]), record["invalid"])

    def test_a_generator_that_is_not_there_is_said(self):
        tested = support.scenario(kind="latency", load={"classes": {"all": "1:/plaintext"}, "rate": 10})
        slot = trial.Slot(tested, tested.entries[0], 0, 0, "", 0.2, 0.0)
        record = trial.measure(slot, support.fake_target(), trial.Placement([0], [0]), Path("/nonexistent"))
        self.assertTrue(record["invalid"])


class Gates(unittest.TestCase):
    figures = {"invalid": [], "classes": {"all": {"bytes": 1500, "requests": 10}}}
    record = {"timed": figures, "answer_bytes": [150], "machine": {}}
    limits = scenarios.Limits()

    def test_what_the_generator_doubts_is_invalid(self):
        self.assertEqual(validity.latency_gates(self.record, self.limits), [])
        doubted = self.record | {"timed": self.figures | {"invalid": ["a doubt"]}}
        self.assertEqual(validity.latency_gates(doubted, self.limits), ["a doubt"])

    def test_no_load(self):
        self.assertEqual(validity.latency_gates({}, self.limits), ["no load was measured"])
        self.assertEqual(validity.sweep_gates({}, self.limits), ["no load was measured"])

    def test_answers_of_another_size(self):
        reasons = validity.latency_gates(self.record | {"answer_bytes": [300]}, self.limits)
        self.assertEqual(len(reasons), 1)
        self.assertIn("class all", reasons[0])

    def test_a_neighbour_without_an_answer(self):
        reasons = validity.latency_gates(self.record | {"neighbour": {"answers": 0, "problem": ""}}, self.limits)
        self.assertEqual(reasons, ["the neighbour had no answer"])

    def test_a_process_that_ended(self):
        reasons = validity.latency_gates(self.record | {"processes_ended": 1}, self.limits)
        self.assertEqual(reasons, ["1 of the target's processes ended during the load"])


LATE = "the generator was late: the 99th percentile of its schedule's lag is over 5 ms"


class SweepGates(unittest.TestCase):
    """Each load by itself; the trial where too little is left."""

    limits = scenarios.Limits()
    apart = {"answer_bytes": [150], "server_cpus": [0], "generator_cpus": [1]}
    good = Gates.figures | {"share": 0.5, "rate": 100.0, "machine": {}, "hiccup_ms": 0.0}

    def of_load(self, record: dict | None = None, **changes) -> str:
        return "; ".join(validity.sweep_load_gates(record or self.apart, self.good | changes, self.limits))

    def test_a_good_load_passes_and_what_the_machine_took_is_its_own(self):
        self.assertEqual(self.of_load(), "")
        self.assertIn("hypervisor", self.of_load(machine={"steal_share": 0.2}))
        self.assertIn("other processes", self.of_load(machine={"foreign_share": 0.3}))
        self.assertIn("paused", self.of_load(hiccup_ms=101.0))
        self.assertIn("another size", self.of_load(classes={"all": {"bytes": 3000, "requests": 10}}))

    def test_lag_is_the_generators_at_any_rate_on_a_cpu_of_its_own(self):
        for share in (None, 0.5, 1.0, 1.1):
            self.assertEqual(self.of_load(share=share, invalid=[LATE]), LATE)

    def test_an_overloaded_server_on_the_generators_cpu_makes_it_late(self):
        shared = self.apart | {"generator_cpus": [0, 1]}
        self.assertEqual(self.of_load(shared, share=0.9, invalid=[LATE]), LATE)
        for share in (None, 1.0, 1.1):
            self.assertEqual(self.of_load(shared, share=share, invalid=[LATE]), "")
            self.assertEqual(self.of_load(shared, share=share, invalid=[LATE, "a doubt"]), "a doubt")

    def of_trial(self, valid: int = 8, lost: int = 0, **changes) -> list[str]:
        loads = [self.good | {"share": number / 10} for number in range(1, valid + lost + 1)]
        record = self.apart | {"capacity": self.good | {"share": None, "rate": 0.0}, "steps": loads[:valid],
                               "saturation": {"rate": 1000.0, "slo_ms": 10, "probes": []},
                               "rejected": [load | {"invalid": [LATE]} for load in loads[valid:]]}
        return validity.sweep_gates(record | changes, self.limits)

    def test_a_rejected_load_of_the_curve_leaves_the_trial_valid_until_half_are_gone(self):
        for valid, lost in ((8, 0), (7, 1), (4, 4)):
            self.assertEqual(self.of_trial(valid, lost), [])
        self.assertEqual(self.of_trial(3, 5), [f"fewer than 50% of the loads of its curve were valid: {LATE}"])

    def test_a_load_that_was_valid_at_the_second_try_is_there(self):
        again = [self.good | {"share": share, "invalid": [LATE]} for share in (0.1, 0.2)]
        self.assertEqual(self.of_trial(2, rejected=again), [])

    def test_a_search_that_met_invalid_loads_only_is_said(self):
        probe = self.good | {"share": None, "invalid": [LATE]}
        (reason,) = self.of_trial(0, saturation={"rate": None, "slo_ms": 10, "probes": []}, rejected=[probe] * 3)
        self.assertEqual(reason, f"the search did not converge: a probe was rejected {saturation.TRIES} times in a row: {LATE}")

    def test_no_closed_loop_no_trial(self):
        closed = self.good | {"share": None, "rate": 0.0, "invalid": ["a doubt"]}
        self.assertEqual(self.of_trial(0, capacity=None, rejected=[closed] * 3),
                         ["no closed loop was valid: a doubt"])

    def test_what_spoils_all_of_it(self):
        self.assertEqual(self.of_trial(wrong_after="body"), ["answer after the load: body"])
        self.assertEqual(self.of_trial(problem="gone", capacity=None), ["gone"])


class SweepFigures(unittest.TestCase):
    def trial(self, *shares: float, rejected=()) -> dict:
        loads = [{"share": share, "rate": 900 * share, "invalid": [], "response_ms": {"p50": 1.0, "p99": 10 * share}}
                 for share in shares]
        return {"kind": "sweep", "capacity": {"achieved_rate": 1000.0}, "saturation": {"rate": 900.0}, "steps": loads,
                "rejected": [{"share": share, "rate": rate, "invalid": [LATE]} for share, rate in rejected]}

    def test_near_capacity_is_one_share_and_no_other_stands_in_for_it(self):
        self.assertEqual(summary.trial_metrics(self.trial(0.5, 0.9, 1.1))["near_capacity_p99_ms"], 9.0)
        spoiled = summary.trial_metrics(self.trial(0.5, 1.1, rejected=[(0.9, 810.0)]))
        self.assertEqual(spoiled, {"throughput": 1000.0, "saturation_rate": 900.0})

    def test_a_median_is_over_the_trials_whose_load_was_valid(self):
        row = summary.Row("fake", "fake", trials=[self.trial(0.5, 0.9), self.trial(0.5, rejected=[(0.9, 810.0)])])
        self.assertEqual(latency_against_load.step_figure(row, 0.9, "p99"), 9.0)
        self.assertIsNone(latency_against_load.step_figure(row, 1.1, "p99"))

    def test_rejected_loads_are_listed_with_their_reason(self):
        trials = [self.trial(0.5, rejected=[(0.9, 810.0), (None, 700.0), (None, 0.0)]),
                  self.trial(0.5, rejected=[(0.9, 810.0)])]
        self.assertEqual(saturation.rejections(trials),
                         [f"{LATE} (4 of their loads: 90%, search, closed loop)"])
        self.assertEqual(saturation.rejections([self.trial(0.5)]), [])


class Saturation(unittest.TestCase):
    def search(self, knee: float, **changes) -> dict:
        """A server whose 99th percentile is 1 ms up to its knee and 100 ms behind it; a closed loop reaches 1000/s."""
        def offer(rate: float) -> dict:
            return {"invalid": [], "due": 1000, "requests": 1000, "unanswered": 0,
                    "response_ms": {"p99": 1.0 if rate <= knee else 100.0}} | changes
        return saturation.search(offer, 1000.0, 10.0, [])

    def test_it_finds_the_knee(self):
        for knee in (500.0, 820.0, 930.0, 1050.0):
            found = self.search(knee)["rate"]
            self.assertTrue(0.88 * knee <= found <= knee, (knee, found))

    def test_its_probes_are_bounded_and_kept(self):
        found = self.search(930.0)
        self.assertEqual(len(found["probes"]), saturation.PROBES)
        self.assertEqual(found["rate"], max(probe["rate"] for probe in found["probes"] if probe["kept"]))

    def test_unanswered_and_late_work_is_not_kept(self):
        self.assertEqual(self.search(2000.0, unanswered=2)["rate"], 0)
        self.assertEqual(self.search(2000.0, requests=900)["rate"], 0)
        self.assertEqual(self.search(2000.0, response_ms={"p99": None})["rate"], 0)

    def spoiled(self, *valid: bool) -> tuple[dict, list]:
        """The loads that are offered are valid, or not, in this order; all keep the objective."""
        left, rejected = list(valid), []

        def offer(rate: float) -> dict:
            return {"invalid": [] if left.pop(0) else ["a doubt"], "due": 1000, "requests": 1000, "unanswered": 0,
                    "response_ms": {"p99": 1.0}}
        return saturation.search(offer, 1000.0, 10.0, rejected), rejected

    def test_an_invalid_probe_is_offered_again_and_does_not_count(self):
        found, rejected = self.spoiled(True, False, False, True, True, True, True)
        self.assertEqual((len(found["probes"]), len(rejected)), (saturation.PROBES, 2))
        self.assertEqual(found, self.spoiled(*[True] * saturation.PROBES)[0])

    def test_one_that_stays_invalid_ends_the_search(self):
        found, rejected = self.spoiled(True, *[False] * saturation.TRIES)
        self.assertEqual((found["rate"], len(found["probes"]), len(rejected)), (None, 1, saturation.TRIES))

    def test_none_is_said(self):
        reasons = validity.sweep_gates({"saturation": self.search(0.0), "capacity": {"invalid": []}}, scenarios.Limits())
        self.assertIn("no rate kept its 99th percentile within 10 ms", reasons)


class Wrk(unittest.TestCase):
    def test_its_latencies_are_read(self):
        self.assertEqual(timed_load.parse_wrk_latency(WRK_OUTPUT), {"rate": 99999.99, "p50_ms": 0.98, "p99_ms": 1200.0})

    def test_none_is_an_error(self):
        for output in ("unable to connect", WRK_OUTPUT.replace("1.20s", "1.20h")):
            with self.assertRaises(load.LoadError):
                timed_load.parse_wrk_latency(output)


class Scenarios(unittest.TestCase):
    def test_mistakes_are_named(self):
        for kind, keys, words in (("latency", {"of_class": "nosuch"}, "nosuch"), ("sweep", {}, "shares"),
                                  ("latency", {"pipeline": 16}, "pipeline"), ("sweep", {"min_kept": 0.9}, "min_kept"),
                                  ("sweep", {"shares": [0.5], "slo_ms": 1, "neighbour": "/"}, "neighbour"),
                                  ("latency", {"late_ms": 5}, "of_class"),
                                  ("nosuch", {}, "kind")):
            with self.subTest(kind), self.assertRaisesRegex(scenarios.ScenarioError, words):
                support.scenario(kind=kind, load={"classes": {"all": "1:/"}} | keys if kind != "nosuch" else
                                 {"path": "/"})

    def test_profiles_without_verdicts_forgive_a_late_generator(self):
        limits = dataclasses.replace(scenarios.Limits(), max_lag_ms=1.0).without_noise_gates()
        self.assertGreater(limits.max_lag_ms, 1000)


if __name__ == "__main__":
    unittest.main()
