"""The plan: balanced, random, repeatable, within its time, and honest about what it leaves out."""

import dataclasses
import json
import tempfile
import time
import unittest
from collections import Counter
from pathlib import Path
from unittest import mock

import support

from corelab_bench import repo, run, scenarios, schedule, targets
from corelab_bench.progress import Progress

LINE = scenarios.ProfileLine("test", blocks=10, min_blocks=4, seconds=1.0, warm_up=0.25)


def profile(*lines: scenarios.ProfileLine, seconds: float = 1000) -> scenarios.Profile:
    return scenarios.Profile("test", seconds, verdicts=True, micro_seconds=0.1, syscall_seconds=0, lines=lines or (LINE,))


def three(name: str = "test", **changes) -> scenarios.Scenario:
    return support.scenario(name=name, entries={"fake": {}, "other": {}, "third": {}}, **changes)


def plan(wanted: scenarios.Profile, *tested: scenarios.Scenario, catalogue=None, cpus=(0, 1), seed=1):
    tested = tested or (three(),)
    return schedule.make_plan(wanted, {one.name: one for one in tested},
                              catalogue or support.catalogue("fake", "other", "third"), list(cpus), seed)


class Blocks(unittest.TestCase):
    def test_every_block_has_every_entry_once_and_the_reference_twice(self):
        made = plan(profile())
        self.assertEqual(len(made.blocks), 10)
        for block in made.blocks:
            self.assertEqual(Counter((slot.entry.label, slot.role) for slot in block),
                             Counter([("fake", ""), ("fake", "again"), ("other", ""), ("third", "")]))
            self.assertEqual([slot.position for slot in block], [0, 1, 2, 3])

    def test_the_order_is_random_and_the_seed_repeats_it(self):
        def orders(seed):
            made = plan(profile(), seed=seed)
            return [tuple((slot.entry.label, slot.role) for slot in block) for block in made.blocks]
        self.assertEqual(orders(1), orders(1))
        self.assertNotEqual(orders(1), orders(2))
        self.assertGreater(len(set(orders(1))), 5)

    def test_scenarios_are_spread_over_the_whole_run(self):
        wanted = profile(LINE, dataclasses.replace(LINE, scenario="rare", blocks=2, min_blocks=2))
        names = [block[0].scenario.name for block in plan(wanted, three(), three("rare")).blocks]
        first, second = [place for place, name in enumerate(names) if name == "rare"]
        self.assertTrue(1 <= first <= 4 and 7 <= second <= 10, names)


class Attempts(unittest.TestCase):
    """Which trials are made again: those that the machine disturbed, once, whatever their figures."""

    def attempts(self, **record) -> list[tuple[str, int]]:
        """Entry and attempt of each line written; the first trial of "other" leaves such a record."""
        made = plan(profile(dataclasses.replace(LINE, blocks=1, min_blocks=1)),
                    three(limits={"max_steal": 0.1, "max_foreign": 0.25}))
        spoilt = []

        def measure(slot, *_):
            label = slot.entry.label
            if label == "other" and not spoilt:
                spoilt.append(label)
                return support.good_record(entry=label, role=slot.role, **record)
            return support.good_record(entry=label, role=slot.role)

        with tempfile.TemporaryDirectory() as folder, mock.patch("corelab_bench.trial.measure", measure):
            run.measure_blocks(made, profile(), support.catalogue("fake", "other", "third"), Path("."), Path(folder),
                               time.monotonic(), Progress(), [])
            lines = map(json.loads, (Path(folder) / "trials.ndjson").read_text().splitlines())
            return [(line["entry"], line["attempt"]) for line in lines]

    def test_a_trial_whose_cpu_was_stolen_is_made_again_at_once(self):
        made = self.attempts(machine={"steal_share": 0.2, "foreign_share": 0.0}, invalid=["the hypervisor took too much"])
        self.assertEqual(len(made), 5)
        first = made.index(("other", 1))
        self.assertEqual(made[first + 1], ("other", 2))

    def test_a_trial_that_is_at_fault_itself_is_not(self):
        made = self.attempts(invalid=["wrk met 3 read errors"])
        self.assertEqual([attempt for _, attempt in made], [1, 1, 1, 1])

    def test_a_figure_that_does_not_depend_on_the_cpu_stands(self):
        made = self.attempts(machine={"steal_share": 0.2, "foreign_share": 0.0}, invalid=[])
        self.assertEqual([attempt for _, attempt in made], [1, 1, 1, 1])


class Fitting(unittest.TestCase):
    def test_fewer_blocks_when_time_is_short(self):
        made = plan(profile(seconds=40))
        self.assertTrue(4 <= len(made.blocks) < 10)
        self.assertLessEqual(made.estimated_seconds, 40)
        self.assertIn("the time of the profile", made.left_out[0].reason)

    def test_the_last_scenario_goes_first(self):
        wanted = profile(LINE, dataclasses.replace(LINE, scenario="rare"), seconds=26)
        made = plan(wanted, three(), three("rare"))
        self.assertEqual({block[0].scenario.name for block in made.blocks}, {"test"})
        self.assertIn(("rare", "the time of the profile"), [(left.scenario, left.reason) for left in made.left_out])

    def test_what_the_profile_does_not_name_is_said(self):
        made = plan(profile(), three(), three("rare"))
        self.assertIn(("rare", "not in the test profile"), [(left.scenario, left.reason) for left in made.left_out])


class LeavingOut(unittest.TestCase):
    def test_an_absent_program_is_left_out_with_its_reason(self):
        names = targets.Catalogue([targets.Target("fake", "core", ""), targets.Target("third", "core", ""),
                                   targets.Target("other", "peer", "", absent="not installed")])
        made = plan(profile(), catalogue=names)
        self.assertEqual([len(block) for block in made.blocks], [3] * 10)
        self.assertIn(schedule.LeftOut("test", "other", "not installed"), made.left_out)

    def test_an_endpoint_that_a_peer_lacks(self):
        names = targets.Catalogue([targets.Target("fake", "core", ""), targets.Target("third", "core", ""),
                                   targets.Target("other", "peer", "", endpoints=("/json",))])
        made = plan(profile(), catalogue=names)
        self.assertIn(schedule.LeftOut("test", "other", "it has no /plaintext"), made.left_out)

    def test_too_few_cpus(self):
        tested = three(placement={"server_cpus": 2, "may_share": False})
        made = plan(profile(), tested)
        self.assertEqual(made.blocks, [])
        self.assertIn("not measurable here", made.left_out[0].reason)
        self.assertEqual(len(plan(profile(), tested, cpus=(0, 1, 2)).blocks), 10)

    def test_cpus_are_disjoint_where_there_are_enough(self):
        self.assertFalse(plan(profile()).placements["test"].shared)
        self.assertTrue(plan(profile(), cpus=(0,)).placements["test"].shared)


class Data(unittest.TestCase):
    """The scenario files of this repository."""

    @classmethod
    def setUpClass(cls):
        cls.catalogue = targets.Catalogue(
            [targets.Target(name, "core", "", waiting="evented") for name in targets.EXPECTED_CORES] +
            [targets.Target(f"floor-{model}", "floor", "") for model in targets.FLOOR_MODELS] +
            targets.peers(repo.PEERS))
        cls.scenarios = scenarios.load_scenarios(repo.SCENARIOS, cls.catalogue)
        cls.profiles = scenarios.load_profiles(repo.SCENARIOS)

    def test_every_profile_names_scenarios_that_exist(self):
        self.assertEqual(set(self.profiles), {"smoke", "default", "full"})
        for one in self.profiles.values():
            self.assertLessEqual({line.scenario for line in one.lines}, set(self.scenarios))
        self.assertEqual({line.scenario for line in self.profiles["full"].lines}, set(self.scenarios))

    def test_every_scenario_registers_a_hypothesis_and_names_entries_that_exist(self):
        for one in self.scenarios.values():
            with self.subTest(one.name):
                labels = {entry.label for entry in one.entries}
                self.assertTrue(one.hypothesis["text"] and one.hypothesis["because"] and one.hypothesis["claims"])
                named = [claim[key] for claim in one.hypothesis["claims"] for key in ("entry", "than")]
                named += [budget[key] for budget in one.budgets for key in ("entry", "against") if key in budget]
                self.assertLessEqual(set(named), labels)
                self.assertLessEqual({entry.target for entry in one.entries}, set(self.catalogue.targets))

    def test_profiles_fit_their_time_with_nothing_dropped(self):
        for one in self.profiles.values():
            with self.subTest(one.name):
                made = schedule.make_plan(one, self.scenarios, self.catalogue, [0, 1], 1)
                self.assertLessEqual(made.estimated_seconds, one.seconds)
                dropped = [left for left in made.left_out if left.reason == "the time of the profile"]
                self.assertEqual(dropped, [])

    def test_a_mistake_in_a_scenario_is_named(self):
        for change, words in (({"compare": "latency"}, "compare is one of"), ({"reference": "none"}, "reference none"),
                              ({"load": {"paht": "/"}}, "paht"), ({"kind": "ilde"}, "kind is one of load, idle"),
                              ({"hypothesis": {"claims": [{"metric": "throughput"}]}}, "a claim says")):
            with self.subTest(words), self.assertRaisesRegex(scenarios.ScenarioError, words):
                support.scenario(**change)


if __name__ == "__main__":
    unittest.main()
