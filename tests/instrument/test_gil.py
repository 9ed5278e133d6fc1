"""The interpreter lock: what is read of it, and the lessons, figures, budgets and claims made of it."""

import json
import random
import tempfile
import unittest
from pathlib import Path

import support

from corelab_bench import claims, figures, gil, lessons, report, repo, scenarios, summary, targets
from corelab_bench.lessons import gil_convoy, gil_threads, lock_and_model, wsgi_servers

MEASURED = ("wsgi-hello", "cost-flask", "wsgi-bare", "gil-threads", "gil-threads-sleep", "gil-convoy", "gil-own",
            "asgi-contrast", "asgi-contrast-hello", "asgi-contrast-cpu")


def account(count: int, p50_us: float) -> dict:
    return {"gil_wait_us": {"count": count, "p50": p50_us, "p99": p50_us, "max": p50_us}, "gil_uncontended": 3,
            "gil_held_us": {"count": 9, "p50": 200.0, "p99": 300.0, "max": 300.0}}


def units(label: str) -> tuple[int, str]:
    count, _, kind = label.partition(" ")
    return int(count), kind


def rate(scenario: str, label: str) -> float:
    """Requests a second as the mechanism would have it."""
    if scenario == "gil-threads":
        count, kind = units(label)
        return 190 * (min(count, 2) if "process" in kind else 1)
    if scenario == "gil-threads-sleep":
        return 49 * units(label)[0]
    if scenario == "asgi-contrast-hello":
        return 0.9e6 / hello_cost(label)
    if scenario == "asgi-contrast":
        return 50 if "inline" in label else 3000
    if scenario == "asgi-contrast-cpu":
        return 950 if "C++, thread-pool" in label else 480
    if scenario == "gil-own":
        return 190 if "one" in label else 380
    return 4000 if "gunicorn" not in label else 1500


def hello_cost(label: str) -> float:
    """CPU time a request in µs."""
    language = 10 if label.startswith("C++") else 20 if label.startswith("bare") else 120
    return language + (20 if "helper" in label else 0)


def trials(one: scenarios.Scenario, rng: random.Random):
    for block in range(6):
        for entry in one.entries:
            noise = rng.gauss(1, 0.003)
            for role in [""] + (["again"] if entry.label == one.reference else []):
                record = support.good_record(kind=one.kind, scenario=one.name, entry=entry.label, target=entry.target,
                                             role=role, block=block)
                if "own GIL" in entry.label:
                    reason = "--gil own takes Python 3.12 or newer"
                    record |= {"refused": reason, "invalid": [reason]}
                requests = int(1e5 * rate(one.name, entry.label) * noise)
                record["load"] = record["load"] | {"requests": requests, "seconds": 1e5}
                record["cpu"] = record["cpu"] | {"total_ns": int(9e13 * noise**0.5)}
                if one.kind == "latency":
                    interval = {"2 threads, 0.5 ms": 0.5, "2 threads, 5 ms": 5.0, "2 threads, 50 ms": 50.0,
                                "2 processes": 0.5}.get(entry.label, 200.0)
                    times = {"mean": interval, "p50": interval * noise + 0.4, "p99": interval * noise + 1}
                    record["timed"] = {"response_ms": times, "achieved_rate": 100.0, "requests": 100, "invalid": [],
                                       "classes": {"quick": {"response_ms": times}}}
                    record |= {"of_class": "", "gil": [account(2, 9e5), account(100, 1000 * interval * noise + 80)]}
                yield record


class Lock(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.run_folder = Path(cls.folder.name) / "run"
        support.synthetic_run(cls.run_folder)
        catalogue = targets.Catalogue([targets.Target(name, "core", "a model", waiting="evented")
                                       for name in targets.EXPECTED_CORES] + targets.peers(repo.PEERS))
        known = scenarios.load_scenarios(repo.SCENARIOS, catalogue)
        path = cls.run_folder / "manifest.json"
        manifest = json.loads(path.read_text())
        manifest["scenarios"] = [one for one in manifest["scenarios"] if one["source"]["name"] in MEASURED]
        path.write_text(json.dumps(manifest))
        rng = random.Random(3)
        (cls.run_folder / "trials.ndjson").write_text("".join(
            json.dumps(record) + "\n" for name in MEASURED for record in trials(known[name], rng)))
        cls.measured = summary.load_run(cls.run_folder)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def scenario(self, name: str) -> summary.ScenarioSummary:
        return self.measured.scenario(name)

    def test_the_wait_is_of_the_worker_that_waited_most_often(self):
        self.assertEqual(gil.median_wait_ms([account(2, 900000), account(100, 5100)]), 5.1)
        self.assertIsNone(gil.median_wait_ms([account(0, 0)]))
        self.assertIsNone(gil.median_wait_ms([]))

    def test_a_wait_of_the_interval_and_a_tenth_keeps_the_budget(self):
        self.assertEqual([budget.word for budget in self.scenario("gil-convoy").budgets], ["met", "met"])

    def test_what_the_mechanism_predicts_is_confirmed(self):
        for name in ("gil-threads", "gil-threads-sleep", "gil-convoy", "asgi-contrast-hello", "asgi-contrast-cpu"):
            self.assertEqual(self.scenario(name).verdict, "confirmed", name)

    def test_the_lessons_say_what_was_found(self):
        made = lessons.all_lessons(self.measured, lessons.LOCK_LESSONS)
        self.assertEqual([lesson.figure for lesson in made], ["gil-threads.svg", "gil-convoy.svg", "lock-and-model.svg",
                                                           "wsgi-servers.svg"])
        threads, convoy, contrast, servers = made
        self.assertRegex(threads.message, r"second thread gives (0\.99|1\.0\d)×.*second process (1\.9|2\.0)")
        self.assertIn("--gil own takes Python 3.12", str(threads.rows[-1]))
        self.assertIn("waits 5.0", convoy.message)
        self.assertRegex(contrast.message, r"costs (1\.99|2\.0\d)× in Python.*on helper threads (1\.99|2\.0\d)× again.*"
                                           r"answer (1\.9\d|2\.0\d)× of a loop in C\+\+, (0\.99|1\.0\d)× in Flask")
        ways = [row[0] for row in contrast.rows]
        self.assertEqual(len(ways), len(set(ways)), "one line whoever answers, in all three scenarios")
        self.assertEqual((ways[0], ways[-1]), ("C++, event-loop", "starlette-uvicorn"))
        self.assertIn("Flask", servers.message)
        self.assertRegex(servers.mechanism, r"by turns \(`cost-flask`\).*thread-pool (0\.99|1\.0\d)× \[.*\] of uWSGI, 1 × 4")

    def test_where_interpreters_have_no_lock_of_their_own_the_report_says_why(self):
        own = self.scenario("gil-own").row("4 threads, own GIL")
        self.assertFalse(own.measured)
        self.assertIn("--gil own takes Python 3.12", own.reason)

    def test_no_lesson_without_its_scenario(self):
        empty = summary.Summary(self.run_folder, self.measured.manifest, [], [])
        for module in (gil_threads, gil_convoy, lock_and_model, wsgi_servers):
            self.assertIsNone(module.lesson(empty))

    def test_figures_and_report_have_them(self):
        drawn = figures.draw_all(self.measured, self.run_folder / "figures")
        self.assertEqual(set(drawn) - {"cores.svg"},
                         {"gil-threads.svg", "gil-convoy.svg", "lock-and-model.svg", "wsgi-servers.svg"})
        text = report.render(self.measured, drawn, "run")
        for name in drawn:
            self.assertIn(f"figures/{name}", text)

    def test_python_on_the_cores_decides_the_claims(self):
        judged = {claim.number: claim for claim in claims.all_claims(self.measured)}
        self.assertTrue(judged[2].verdict.startswith("right"), judged[2])
        for number in (4, 5, 6):
            self.assertTrue(judged[number].verdict.startswith("half right"), judged[number])
        self.assertTrue(judged[8].verdict.startswith("no longer so"), judged[8])

    def test_threads_that_computed_in_parallel_would_refute_the_fourth(self):
        run = summary.load_run(self.run_folder)
        values = run.scenario("gil-threads").row("8 threads").values["throughput"]
        for block in values:
            values[block] *= 8
        self.assertEqual(claims.all_claims(run)[3].verdict, "not as told")


if __name__ == "__main__":
    unittest.main()
