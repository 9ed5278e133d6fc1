"""The decision table: a core is taken by the rule and by nothing else, and what was not measured decides nothing."""

import dataclasses
import tempfile
import unittest
from pathlib import Path

import support

from corelab_bench import decisions, summary

MODELS = {"thread-per-connection": "blocking; thread", "thread-pool": "blocking; thread",
          "thread-pool-handoff": "readiness, then blocking; reactor + threads", "event-loop": "evented; one thread",
          "multi-reactor": "evented; thread per reactor", "prefork": "blocking; process",
          "prefork-evented": "evented; process"}


class Decisions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # prefork costs twice what the others do, multi-reactor is INVALID, thread-pool absent, event-loop's tail ten
        # times the others'.
        with tempfile.TemporaryDirectory() as folder:
            cls.run_ = summary.load_run(support.synthetic_run(Path(folder) / "run"))
        for name, model in MODELS.items():
            cls.run_.manifest["targets"][name]["model"] = model

    def decide(self, *scenarios: str, **situation) -> decisions.Decision:
        criteria = tuple(decisions.Criterion((name,)) for name in scenarios)
        return decisions.decide(decisions.Situation("mine", criteria, **situation), self.run_)

    def test_of_the_best_and_its_equals_the_simplest_is_taken(self):
        decision = self.decide("plaintext")
        self.assertEqual(decision.take, "event-loop")
        self.assertIn("thread-per-connection", decision.beside)
        self.assertNotIn("prefork", decision.beside)
        self.assertIn("behind: prefork (the nearest 0.50×", decision.evidence)

    def test_a_second_measurement_only_takes_away(self):
        decision = self.decide("plaintext", "stall")
        self.assertEqual(decision.take, "thread-per-connection")
        self.assertNotIn("event-loop", decision.beside)
        self.assertNotIn("prefork", decision.beside)  # as good in the second, but behind in the first

    def test_what_is_invalid_or_absent_or_no_core_is_never_taken(self):
        decision = self.decide("plaintext")
        self.assertFalse({"multi-reactor", "thread-pool", "nginx"} & {decision.take, *decision.beside})

    def test_only_what_the_situation_allows_is_taken(self):
        self.assertEqual(self.decide("plaintext", model_lacks="one thread").take, "thread-per-connection")

    def test_where_a_crash_must_stay_alone_the_kills_say_who_may_be_taken(self):
        decision = self.decide("plaintext", survives=True)  # threads cost less, and die with their process
        self.assertEqual((decision.take, decision.beside), ("prefork-evented", []))
        self.assertIn("thread-per-connection loses 74.5% of the requests, full service: not recovered within the trial",
                      decision.evidence)
        self.assertRegex(decision.evidence, r"prefork, 8 workers loses \d\.\d% of the requests, full service: \d+\.?\d* ms")

    def test_one_trial_without_recovery_is_enough_not_to_be_taken(self):
        crash = self.run_.scenario("crash").row("prefork-evented, 2 workers").trials[0]["crash"]
        self.addCleanup(crash.update, recovery_seconds=crash["recovery_seconds"])
        crash["recovery_seconds"] = None
        self.assertEqual(self.decide("plaintext", survives=True).take, "prefork")

    def test_without_kills_the_model_says_who_may_be_taken(self):
        without = dataclasses.replace(self.run_, scenarios=[one for one in self.run_.scenarios if one.name != "crash"])
        situation = decisions.Situation("mine", (decisions.Criterion(("plaintext",)),), survives=True)
        decision = decisions.decide(situation, without)
        self.assertEqual(decision.take, "prefork-evented")
        self.assertTrue(decision.evidence.endswith("`crash`: not measured in this run, by their model cores of processes"))

    def test_without_its_first_measurement_nothing_is_taken(self):
        decision = self.decide("nosuch", "plaintext")
        self.assertEqual(decision.take, "")
        self.assertEqual(decision.evidence, "`nosuch`: not measured in this run")

    def test_without_a_later_measurement_the_first_decides(self):
        decision = self.decide("plaintext", "nosuch")
        self.assertEqual(decision.take, "event-loop")
        self.assertTrue(decision.evidence.endswith("`nosuch`: not measured in this run"))

    def test_a_limit_keeps_all_that_are_good_enough(self):
        criterion = decisions.Criterion(("idle-memory",), at_most=1024)  # 500 B a connection; threads take 10,000
        decision = decisions.decide(decisions.Situation("mine", (criterion,)), self.run_)
        self.assertEqual(decision.take, "event-loop")
        self.assertNotIn("thread-per-connection", decision.beside)

    def test_every_situation_of_the_report_is_decided_by_a_whole_run(self):
        for decision in decisions.all_decisions(self.run_):
            with self.subTest(decision.situation):
                self.assertTrue(decision.take, decision.evidence)
                self.assertNotIn("None", decision.breaks)

    def test_without_verdicts_there_is_no_advice(self):
        without = dataclasses.replace(self.run_, manifest=self.run_.manifest | {"verdicts": False})
        self.assertEqual({decision.take for decision in decisions.all_decisions(without)}, {""})


if __name__ == "__main__":
    unittest.main()
