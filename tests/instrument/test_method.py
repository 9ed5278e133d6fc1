"""The method's own parts, on hand-made records: calibration's aims, hiccups, the stop rule, going on, raw data."""

import contextlib
import io
import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import support

from corelab_bench import (calibration, hiccups, repo, resume, scenarios, schedule, spin, stop_rule, summary, validity,
                           wording)


def records(count: int, noise: float, ratio: float = 1.0) -> list[dict]:
    """`count` blocks of the reference, its twin and one other, whose log ratio alternates by ± `noise`."""
    made = []
    for block in range(count):
        swing = 1 + noise * (-1) ** block
        for entry, role, rate in (("fake", "", 1e5), ("fake", "again", 1e5 * swing), ("other", "", 1e5 * ratio * swing)):
            record = support.good_record(entry=entry, role=role, block=block)
            made.append(record | {"load": record["load"] | {"requests": int(rate)}})
    return made


class Calibration(unittest.TestCase):
    figures = {"wrk_rate": 1000.0, "closed_rate": 600.0, "asked_rate": 500.0, "lag_ms": {"p50": 0.01, "p99": 0.5}}

    def words(self, **changes) -> list[str]:
        return [row[3] for row in calibration.aims(self.figures | changes)]

    def test_aims_are_met_or_not(self):
        self.assertEqual(self.words(), ["–", "met", "met"])
        self.assertEqual(self.words(closed_rate=499.0), ["–", "not met", "met"])
        self.assertEqual(self.words(lag_ms={"p50": 0.1, "p99": 1.0}), ["–", "met", "not met"])
        self.assertEqual(self.words(lag_ms={"p50": None, "p99": None}), ["–", "met", "not met"])

    def test_the_machines_part_of_the_lag_stands_beside_it(self):
        def said(lag: float, machine: float) -> str:
            return calibration.whose_lag(self.figures | {"lag_ms": {"p50": 0.0, "p99": lag}, "paused_share": 0.02,
                                                         "spin_lag_ms": {"p50": 0.0, "p99": machine}})
        self.assertIn("all of the lag may be the machine's", said(1.7, 1.9))
        self.assertIn("1.500 ms is the generator's own", said(1.7, 0.2))
        self.assertIn("2.0% of the time", said(1.7, 0.2))
        self.assertEqual(calibration.whose_lag(self.figures), "")
        rows = calibration.aims(self.figures | {"spin_lag_ms": {"p50": 0.0, "p99": 1.9}})
        self.assertEqual(rows[-1][1], "p50 0.000 ms, p99 1.900 ms")

    def test_without_its_target_it_says_why(self):
        absent = calibration.measure(support.catalogue("fake"), support.ROOT, 0.1, [0], [0])
        self.assertIn("floor-epoll", absent["absent"])


class Spin(unittest.TestCase):
    """Arrivals come evenly; those in a pause are seen at its end."""

    def test_one_pause(self):
        # 100 ms of a second: one arrival in a hundred is later than 90 ms, one in twenty than 50 ms, one in two on time.
        for quantile, lag in ((0.99, 90.0), (0.95, 50.0), (0.5, 0.0)):
            self.assertAlmostEqual(spin.lag_ms([100_000_000], 1.0, quantile), lag, places=6)

    def test_it_agrees_with_arrivals_counted_one_by_one(self):
        pauses = [4_000_000, 1_000_000, 9_000_000, 2_500_000]
        lags, at = [], 0
        for pause in pauses:
            lags += [(pause - offset) / 1e6 for offset in range(0, pause, 1000)]
            at += pause
        lags += [0.0] * ((10**9 - at) // 1000)
        lags.sort()
        for quantile in (0.985, 0.99, 0.995, 0.999):
            self.assertAlmostEqual(spin.lag_ms(pauses, 1.0, quantile), lags[int(quantile * len(lags))], delta=0.01)

    def test_no_pause_no_lag(self):
        self.assertEqual(spin.lag_ms([], 1.0, 0.99), 0.0)

    def test_it_sees_what_keeps_it_from_the_clock(self):
        times = iter([0, 1000, 2000, 5_002_000, 10_000_000])
        with mock.patch.object(spin, "time", mock.Mock(monotonic_ns=lambda: next(times))):
            self.assertEqual(spin.look(0.01), [5_000_000, 4_998_000])

    def test_a_process_of_its_own_tells_its_pauses(self):
        cpus = sorted(os.sched_getaffinity(0))[:1]
        pauses = spin.watch(0.05, cpus, cpus)
        self.assertEqual([pause for pause in pauses if pause <= spin.SHORTEST_NS], [])


class Hiccup(unittest.TestCase):
    def test_a_pause_is_seen_and_the_worst_is_kept(self):
        clock, late_by = [0.0], [0.001, 0.25, 0.002]
        watched = hiccups.Hiccups({})

        def late(seconds: float) -> None:
            clock[0] += seconds + late_by.pop(0)
            if not late_by:
                watched.over.set()

        with mock.patch.object(hiccups, "time", mock.Mock(monotonic=lambda: clock[0], sleep=late)):
            watched.watch()
        self.assertAlmostEqual(watched.worst, 0.25)
        record = {"hiccup_ms": 1e6}
        with hiccups.Hiccups(record):
            pass
        self.assertEqual(record["hiccup_ms"], 1e6)

    def test_beyond_the_limit_a_trial_is_rejected(self):
        limits = scenarios.Limits(max_hiccup_ms=20)
        self.assertEqual(validity.load_gates(support.good_record(hiccup_ms=20.0), limits), [])
        self.assertEqual(validity.load_gates(support.good_record(hiccup_ms=20.1), limits),
                         ["the machine paused for more than 20 ms"])
        self.assertEqual(validity.load_gates(support.good_record(hiccup_ms=1e9), limits.without_noise_gates()), [])


class StopRule(unittest.TestCase):
    source = {"compare": "throughput", "reference": "fake"}

    def met(self, trials: list[dict], until: float = 0.04, min_blocks: int = 6) -> bool:
        return stop_rule.met(self.source, trials, until, min_blocks)

    def test_narrow_intervals_stop_it_and_wide_ones_do_not(self):
        self.assertTrue(self.met(records(6, 0.01)))
        self.assertFalse(self.met(records(6, 0.20)))

    def test_not_before_the_least_blocks_and_not_without_a_rule(self):
        self.assertFalse(self.met(records(5, 0.01)))
        self.assertFalse(self.met(records(6, 0.01), until=0.0))

    def test_where_the_interval_lies_does_not_matter(self):
        for ratio in (0.5, 1.0, 1.03, 2.0):
            self.assertTrue(self.met(records(6, 0.01, ratio)), ratio)
            self.assertFalse(self.met(records(6, 0.20, ratio)), ratio)

    def test_one_wide_row_keeps_it_running_and_one_never_valid_does_not(self):
        wide = [trial | {"load": trial["load"] | {"requests": 10**5 * (1 + trial["block"] % 2)}}
                if trial["entry"] == "other" else trial for trial in records(6, 0.01)]
        self.assertFalse(self.met(wide))
        invalid = [trial | {"invalid": ["a doubt"]} if trial["entry"] == "other" else trial for trial in wide]
        self.assertTrue(self.met(invalid))

    def test_without_a_valid_control_nothing_stops(self):
        trials = [trial | {"invalid": ["a doubt"]} if trial["role"] else trial for trial in records(6, 0.01)]
        self.assertFalse(self.met(trials))

    def test_what_it_did_is_said(self):
        source = self.source | {"name": "test"}
        run = mock.Mock(manifest={"stop_rules": [{"scenario": "test", "until": 0.04, "min_blocks": 6, "blocks": 24}]},
                        trials=records(7, 0.01))
        run.scenario.return_value = mock.Mock(source=source, registered={"blocks": 24})
        run.scenario.return_value.name = "test"
        (row,) = wording.stop_rules(run)
        self.assertEqual(row[:4], ("test", "± 0.04", "6 to 24", "7"))
        self.assertRegex(row[4], r"± 0\.0\d\d")


class Resume(unittest.TestCase):
    machine = {"kernel": "Linux", "cpu": "a CPU", "cpus": [0, 1], "memory_bytes": 1}
    old = {"commit": "abc", "machine": machine, "scenarios": [1], "stop_rules": [], "time_limit_seconds": 9}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_what_differs_is_refused_with_a_sentence(self):
        resume.check(self.old, self.old)
        for change, words in (({"commit": "def"}, "of commit abc"), ({"scenarios": [2]}, "scenarios"),
                              ({"machine": self.machine | {"kernel": "Linux 7"}}, r"machine differs \(kernel\)"),
                              ({"time_limit_seconds": 10}, "plan")):
            with self.subTest(words), self.assertRaisesRegex(resume.Refused, words):
                resume.check(self.old, self.old | change)
        dirty = self.old | {"commit": "abc-dirty"}
        with self.assertRaisesRegex(resume.Refused, "unchanged"):
            resume.check(dirty, dirty)

    def test_a_finished_run_and_what_is_no_run_are_refused(self):
        with self.assertRaisesRegex(resume.Refused, "no manifest.json"):
            resume.manifest_of(self.folder)
        (self.folder / "manifest.json").write_text(json.dumps({"outcome": {"state": "finished"}}))
        with self.assertRaisesRegex(resume.Refused, "has finished"):
            resume.manifest_of(self.folder)
        for state in ("running", "stopped by a signal"):
            (self.folder / "manifest.json").write_text(json.dumps({"outcome": {"state": state}}))
            self.assertEqual(resume.manifest_of(self.folder)["outcome"]["state"], state)

    def keep(self, trials: list[dict]) -> list[tuple]:
        one = support.scenario(entries={"fake": {}, "other": {}})
        line = scenarios.ProfileLine("test", blocks=4, min_blocks=4, seconds=1.0, warm_up=0.0)
        profile = scenarios.Profile("test", 1000, verdicts=True, micro_seconds=0, syscall_seconds=0, lines=(line,))
        plan = schedule.make_plan(profile, {"test": one}, support.catalogue("fake", "other"), [0, 1], 1)
        lines = "".join(json.dumps(trial) + "\n" for trial in trials)
        (self.folder / "trials.ndjson").write_text(lines + '{"half a li')
        kept = resume.keep_whole_blocks(self.folder, plan)
        self.assertEqual([json.loads(line) for line in (self.folder / "trials.ndjson").read_text().splitlines()], kept)
        return [(trial["block"], trial["entry"], trial["role"]) for trial in kept]

    def test_whole_blocks_stay_and_half_a_block_goes(self):
        kept = self.keep(records(2, 0.01) + records(3, 0.01)[6:8])
        self.assertEqual(sorted({block for block, *_ in kept}), [0, 1])
        self.assertEqual(len(kept), 6)

    def test_a_block_without_what_refused_to_start_is_whole(self):
        trials = [trial | {"refused": "no"} if trial["entry"] == "other" else trial for trial in records(2, 0.01)]
        kept = self.keep(trials + [trial for trial in records(3, 0.01)[6:] if trial["entry"] != "other"])
        self.assertEqual(sorted({block for block, *_ in kept}), [0, 1, 2])


class Commit(unittest.TestCase):
    def commit_of(self, root: Path) -> str:
        with mock.patch.object(repo, "ROOT", root):
            return repo.commit()

    def test_an_archive_that_lies_in_another_repository_has_no_commit(self):
        with tempfile.TemporaryDirectory() as folder:
            outer, inner = Path(folder).resolve(), Path(folder).resolve() / "corelab"
            inner.mkdir()
            (inner / "file").write_text("")
            git = ["git", "-C", str(outer), "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
            for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "outer"]):
                subprocess.run(git + words, check=True)
            self.assertRegex(self.commit_of(outer), "^[0-9a-f]{10}$")
            self.assertEqual(self.commit_of(inner), "uncommitted")
            with mock.patch.dict(os.environ, {"GIT_DIR": str(outer / ".git")}):
                self.assertEqual(self.commit_of(inner), "uncommitted")


class RawData(unittest.TestCase):
    def test_the_readme_recomputes_a_ratio_of_the_report(self):
        text = (support.ROOT / "results" / "README.md").read_text()
        example = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
        with tempfile.TemporaryDirectory() as folder:
            run = support.synthetic_run(Path(folder) / "run")
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                exec(compile(example.replace("results/NAME", str(run)), "results/README.md", "exec"), {})
            row = summary.load_run(run).scenario("plaintext").row("prefork")
            self.assertEqual(said.getvalue(), f"{row.ratio.value:.3f} over {row.ratio.n} blocks\n")


if __name__ == "__main__":
    unittest.main()
