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
        cls.summary = summary.load_run(cls.run_folder)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def scale(self, scenario: str, label: str, metric: str, factor: float) -> None:
        values = self.summary.scenario(scenario).row(label).values[metric]
        self.addCleanup(values.update, dict(values))
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

    def without_python_on_cores(self) -> None:
        """Claims fall back on Python's own servers."""
        self.summary = dataclasses.replace(self.summary, scenarios=[
            scenario for scenario in self.summary.scenarios if not scenario.name.startswith(("wsgi", "asgi", "gil-"))])

    def test_the_best_and_the_worst_server_are_named(self):
        self.without_python_on_cores()
        self.assertEqual(self.claim(2).verdict, "half right")  # all alike in these data
        self.scale("peers-plaintext", "Flask, mod_wsgi × 16", "cpu_us", 3)
        self.scale("peers-wait", "Flask, gunicorn gevent", "throughput", 30)
        self.assertRegex(self.claim(2).evidence, r"“Flask, mod_wsgi × 16” costs 3\.\d+× .* of the CPU time of")
        self.assertRegex(self.claim(2).evidence, r"“Flask, gunicorn gevent” answers 30")

    def test_a_framework_with_a_server_that_is_none(self):
        self.assertTrue(self.claim(1).verdict.startswith("half right"))
        self.scale("peers-plaintext", "Flask, its own server", "cpu_us", 2.5)
        self.assertTrue(self.claim(1).verdict.startswith("right"))
        self.assertIn("Express 1.00×", self.claim(1).evidence)

    def test_an_interface_for_loops(self):
        self.without_python_on_cores()
        self.assertTrue(self.claim(8).verdict.startswith("no longer so"))
        self.assertIn("Twiggy", self.claim(8).evidence)
        self.scale("peers-wait", "starlette-uvicorn", "throughput", 0.5)
        self.assertTrue(self.claim(8).verdict.startswith("half right"))

    def test_the_model_and_not_the_language(self):
        self.assertEqual(self.claim(9).verdict, claims.UNDECIDED)
        for label in claims.PERL_LOOPS:
            self.scale("peers-wait", label, "throughput", 10)
        self.scale("peers-wait", "Sinatra, Puma × 16", "throughput", 4)
        self.assertTrue(self.claim(9).verdict.startswith("wrong"))
        self.scale("peers-wait", "Plack, Feersum", "throughput", 0.1)
        self.assertEqual(self.claim(9).verdict, claims.UNDECIDED)

    def test_the_price_of_a_proxy(self):
        self.assertTrue(self.claim(11).verdict.startswith("right: the hop is cheap"))
        self.scale("proxy-hop", "nginx before event-loop", "cpu_us", 3)
        self.assertEqual(self.claim(11).verdict, "half right: the hop has its price")
        self.assertRegex(self.claim(11).evidence, r"costs (2\.9|3\.0)")

    def test_a_proxy_takes_slow_clients_upon_itself(self):
        self.scale("proxy-hop", "nginx before event-loop", "cpu_us", 3)
        found = self.summary.scenario("slow-senders")
        pool, behind = found.row("thread-pool, 16 threads"), found.row("nginx before thread-pool, 16 threads")
        self.addCleanup(vars(pool).update, dict(vars(pool)))
        pool.reason, pool.values = "", {"p99_ms": {block: 500 * p99 for block, p99 in behind.values["p99_ms"].items()}}
        self.assertIn("shields a pool from slow clients", self.claim(11).verdict)
        self.assertIn("500×", self.claim(11).evidence)

    def test_a_blocked_worker_keeps_its_own_clients_waiting(self):
        self.assertTrue(self.claim(7).verdict.startswith("half right"), self.claim(7))
        self.scale("blocked-worker", "prefork-evented, 4 workers", "late_share", 10)
        self.assertEqual(self.claim(7).verdict, "not decided by these figures")

    def test_one_process_is_enough_until_it_dies(self):
        self.scale("aiohttp-processes", "aiohttp × 2", "throughput", 2)
        self.assertTrue(self.claim(10).verdict.startswith("wrong"), self.claim(10))
        self.assertIn("2.0", self.claim(10).evidence)
        self.scale("crash", "aiohttp × 1", "recovery_ms", 0.01)
        self.assertEqual(self.claim(10).verdict, "not decided by these figures")

    def test_a_second_process_spares_requests(self):
        self.assertRegex(self.claim(10).evidence, r"alone it loses \d\d.*× .*as many requests as beside a second process")

    def test_whoever_restarts_workers_decides_what_a_crash_costs(self):
        self.assertTrue(self.claim(12).verdict.startswith("right"), self.claim(12))
        self.scale("crash", "Node × 1, pm2", "recovery_ms", 100)
        self.assertEqual(self.claim(12).verdict, "not decided by these figures")

    def test_what_was_not_measured_is_open(self):
        empty = dataclasses.replace(self.summary, scenarios=[])
        self.assertEqual({claim.verdict for claim in claims.all_claims(empty)}, {claims.OPEN})

    def test_few_blocks_decide_nothing(self):
        values = self.summary.scenario("cost-plaintext").row("event-loop").values["cpu_us"]
        self.addCleanup(values.update, dict(values))
        for block in list(values)[2:]:
            del values[block]
        self.assertEqual(self.claim(3).verdict, claims.OPEN)


if __name__ == "__main__":
    unittest.main()
