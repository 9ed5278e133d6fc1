"""The plan: balanced, random, repeatable, within its time, and honest about what it leaves out."""

import dataclasses
import unittest
from collections import Counter

import support

from corelab_bench import repo, scenarios, schedule, targets

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
