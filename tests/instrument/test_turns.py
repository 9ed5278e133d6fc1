"""A block whose servers are loaded by turns, on fake servers: what is summed, what is wrong, and what a run makes of it."""

import dataclasses
import io
import json
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import support
from corelab_bench import repo, resume, run, scenarios, schedule, targets, trial, turns, validity
from corelab_bench.progress import Progress

CPUS = sorted(os.sched_getaffinity(0))
PLACEMENT = trial.Placement(CPUS[:1], CPUS[-1:])


def scenario(**changes) -> scenarios.Scenario:
    return support.scenario(**{"slice_seconds": 0.15, "sample": ["memory"], "entries": {"fake": {}, "other": {}}} | changes)


def catalogue(**modes: str) -> targets.Catalogue:
    return targets.Catalogue([dataclasses.replace(support.fake_target(*modes.get(name, "").split()), name=name)
                              for name in ("fake", "other", "third")])


def block(tested: scenarios.Scenario, seconds: float = 0.45, warm_up: float = 0.0) -> list[trial.Slot]:
    line = scenarios.ProfileLine(tested.name, blocks=1, min_blocks=1, seconds=seconds, warm_up=warm_up)
    return schedule.make_block(tested, list(tested.entries), line, 0, mock.Mock(shuffle=lambda _: None))


@unittest.skipUnless(shutil.which("wrk"), "wrk is not installed: run `make setup`")
class Turns(unittest.TestCase):
    def test_each_has_its_slices_and_the_record_their_sum(self):
        records = turns.measure(block(scenario(), warm_up=0.2), catalogue(), PLACEMENT, repo.DEFAULT_BIN)
        self.assertEqual([(record["entry"], record["role"]) for record in records],
                         [("fake", ""), ("other", ""), ("fake", "again")])
        for record in records:
            self.assertEqual(record["invalid"], [])
            self.assertEqual(len(record["turns"]), 3)
            for total, part in ((record["load"]["requests"], "requests"), (record["cpu"]["total_ns"], "cpu_ns")):
                self.assertEqual(total, sum(turn[part] for turn in record["turns"]))
                self.assertTrue(all(turn[part] > 0 for turn in record["turns"]))
            self.assertAlmostEqual(record["load"]["seconds"], sum(turn["seconds"] for turn in record["turns"]))
            self.assertEqual(record["connections_established"], 4)
            self.assertGreater(record["memory"]["pss_bytes"], 0)

    def test_who_does_not_start_or_answers_wrongly_is_left_alone_and_the_others_are_not(self):
        tested = scenario(entries={"fake": {}, "other": {}, "third": {}})
        records = turns.measure(block(tested), catalogue(other="refuses", third="wrong"), PLACEMENT, repo.DEFAULT_BIN)
        self.assertEqual([len(record["turns"]) for record in records], [3, 0, 0, 3])
        self.assertIn("refuses to start", records[1]["refused"])
        self.assertEqual(records[1]["invalid"], [records[1]["problem"]])
        self.assertIn("answer before the load", records[2]["invalid"][0])
        self.assertEqual(records[0]["invalid"] + records[3]["invalid"], [])

    def test_who_dies_in_a_slice_is_invalid_and_says_so(self):
        records = turns.measure(block(scenario()), catalogue(other="dies"), PLACEMENT, repo.DEFAULT_BIN)
        self.assertTrue(any("the server died: exit code 3" in reason for reason in records[1]["invalid"]), records[1])
        self.assertEqual(records[0]["invalid"], [])

    def test_who_answers_wrongly_at_the_end_is_invalid(self):
        records = turns.measure(block(scenario()), catalogue(other="turns-wrong"), PLACEMENT, repo.DEFAULT_BIN)
        self.assertIn("answer after the load", records[1]["invalid"][0])

    def test_a_pause_in_one_slice_spoils_the_block(self):
        tested = scenario(limits=support.ANY_MACHINE | {"max_hiccup_ms": 1.0})
        pauses = iter([0.0, 5.0] + 100 * [0.0])

        class Paused:
            def __init__(self, record):
                self.record = record

            def __enter__(self):
                self.record["hiccup_ms"] = max(self.record.get("hiccup_ms", 0.0), next(pauses))

            def __exit__(self, *_):
                pass

        with mock.patch("corelab_bench.turns.Hiccups", Paused):
            records = turns.measure(block(tested, seconds=0.15), catalogue(), PLACEMENT, repo.DEFAULT_BIN)
        self.assertEqual([record["invalid"] for record in records],
                         3 * [["the machine paused for more than 1 ms"]])

    def test_a_run_measures_the_block_at_once_and_goes_on_without_who_refuses(self):
        tested = scenario()
        line = scenarios.ProfileLine("test", blocks=3, min_blocks=3, seconds=0.15, warm_up=0.0)
        profile = scenarios.Profile("test", 100.0, True, 0.0, 0.0, (line,))
        fakes = catalogue(other="refuses")
        plan = schedule.make_plan(profile, {"test": tested}, fakes, CPUS, seed=1)
        with tempfile.TemporaryDirectory() as folder:
            left_out = run.measure_blocks(plan, profile, fakes, repo.DEFAULT_BIN, Path(folder), run.time.monotonic(),
                                          Progress(io.StringIO()), [])
            records = [json.loads(text) for text in (Path(folder) / "trials.ndjson").read_text().splitlines()]
        self.assertEqual(left_out, [])
        counts = {name: sum(record["entry"] == name for record in records) for name in ("fake", "other")}
        self.assertEqual(counts, {"fake": 6, "other": resume.MAX_REFUSALS})
        self.assertTrue(all(record["machine"] == records[0]["machine"] for record in records[:3]))


class Registered(unittest.TestCase):
    def test_only_a_plain_load_is_cut_into_slices(self):
        for changes in ({"sample": ["switches"]}, {"kind": "idle", "steps": [1, 2]},
                        {"beside": {"mode": "idle", "connections": 1}}):
            with self.subTest(changes), self.assertRaisesRegex(scenarios.ScenarioError, "slice_seconds"):
                scenario(**changes)

    def test_each_slice_ends_with_requests_in_flight(self):
        """A slice that ends within answers has read a part of them."""
        record = support.good_record(turns=10 * [{}])
        record["load"] = record["load"] | {"requests": 1000, "bytes": 1000 * 150 + 10 * 64 * 120}
        self.assertEqual(validity.size_gate(record), "")
        self.assertIn("bytes a request", validity.size_gate(record | {"turns": []}))


if __name__ == "__main__":
    sys.exit(unittest.main())
