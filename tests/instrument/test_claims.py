"""The claims: a verdict follows from the run's figures, or is said to be open."""

import dataclasses
import tempfile
import unittest
from pathlib import Path

import support

from corelab_bench import claims, summary


class Claims(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.run_folder = support.synthetic_run(Path(cls.folder.name) / "run")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        self.summary = summary.load_run(self.run_folder)

    def scale(self, scenario: str, label: str, metric: str, factor: float) -> None:
        values = self.summary.scenario(scenario).row(label).values[metric]
        for block in values:
            values[block] *= factor

    def claim(self, number: int) -> claims.Claim:
        return claims.all_claims(self.summary)[number - 1]

    def test_the_price_of_http_is_judged_by_the_floor(self):
        self.assertTrue(self.claim(3).verdict.startswith("wrong"))  # 8 µs over 7.5
        self.scale("cost-plaintext", "event-loop", "cpu_us", 3)
        self.assertEqual(self.claim(3).verdict, "right")

    def test_waits_overlap_and_computing_does_not(self):
        self.assertEqual(self.claim(4).verdict, "not as told")  # all cores alike in these data
        self.scale("block", "thread-per-connection", "throughput", 60)
        self.assertTrue(self.claim(4).verdict.startswith("half right"))
        self.assertIn("60", self.claim(4).evidence)

    def test_a_blocked_loop_is_not_parallel(self):
        self.scale("block", "event-loop + 64 helper threads", "throughput", 50)
        self.scale("asgi-contrast", "Flask, event-loop inline", "throughput", 1 / 50)
        self.assertTrue(self.claim(6).verdict.startswith("half right"), self.claim(6))

    def test_processes_help_behind_a_lock(self):
        self.scale("gil", "Flask, 2 processes × 1 thread", "throughput", 2)
        self.assertTrue(self.claim(5).verdict.startswith("half right"))

    def test_one_application_under_several_servers(self):
        self.scale("peers-plaintext", "Flask, gunicorn gthread × 16", "cpu_us", 2)
        self.scale("peers-wait", "Flask, gunicorn gthread × 16", "throughput", 10)
        self.assertTrue(self.claim(2).verdict.startswith("right"))

    def test_the_model_and_not_the_language(self):
        self.assertEqual(self.claim(9).verdict, "not decided by these figures")
        self.scale("peers-wait", "mojo-prefork", "throughput", 10)
        self.scale("peers-wait", "Sinatra, Puma × 16", "throughput", 4)
        self.assertTrue(self.claim(9).verdict.startswith("wrong"))

    def test_what_was_not_measured_is_open(self):
        for number in (7, 10, 11, 12):
            self.assertEqual(self.claim(number).verdict, claims.OPEN, number)
        empty = dataclasses.replace(self.summary, scenarios=[])
        self.assertEqual({claim.verdict for claim in claims.all_claims(empty)}, {claims.OPEN})

    def test_few_blocks_decide_nothing(self):
        values = self.summary.scenario("cost-plaintext").row("event-loop").values["cpu_us"]
        for block in list(values)[2:]:
            del values[block]
        self.assertEqual(self.claim(3).verdict, claims.OPEN)


if __name__ == "__main__":
    unittest.main()
