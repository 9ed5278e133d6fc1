"""The arithmetic of what happens across workers: chance, recovery, who gets the signal, what a process costs."""

import random
import statistics
import unittest

import support  # noqa: F401  (finds the package)

from corelab_bench import crash, multinomial, timed_load, validity
from corelab_bench.scenarios import Limits
from corelab_bench.worker_loads import CrashLoad

LOAD = CrashLoad(path="/sleep?ms=20", connections=8)


class Chance(unittest.TestCase):
    def test_two_coins(self):
        self.assertEqual(multinomial.share_probabilities(2, 2), [0.25, 0.5, 0.25])
        self.assertAlmostEqual(multinomial.expected_largest(2, 2), 1.5)  # both on one side half of the time

    def test_one_worker_gets_all(self):
        self.assertAlmostEqual(multinomial.expected_largest(64, 1), 64)

    def test_the_fullest_of_four_as_dice_have_it(self):
        dice = random.Random(3)
        thrown = [[dice.randrange(4) for _ in range(64)] for _ in range(4000)]
        fullest = statistics.mean(max(map(throws.count, range(4))) for throws in thrown)
        self.assertAlmostEqual(multinomial.expected_largest(64, 4), fullest, delta=0.2)


class Recovery(unittest.TestCase):
    def reckon(self, lost, late=(), hit=1.0, seconds=3.0):
        answers = [[due / 100, 0.4 if due in late else 0.02, "refused" if due in lost else "answered"]
                   for due in range(int(seconds * 100))]
        return crash.reckon(answers, hit, seconds, LOAD)

    def test_no_trouble(self):
        record = self.reckon(lost=())
        self.assertEqual((record["recovery_seconds"], record["lost"], record["troubled"]), (0.0, {}, []))

    def test_until_the_last_request_in_trouble(self):
        record = self.reckon(lost=range(100, 150), late={180})
        self.assertAlmostEqual(record["recovery_seconds"], 0.8)
        self.assertEqual((record["lost"], record["late"]), ({"refused": 50}, 1))
        self.assertAlmostEqual(record["answered_meanwhile"], 31 / 81)

    def test_trouble_to_the_end_is_no_recovery(self):
        record = self.reckon(lost=range(100, 300))
        self.assertIsNone(record["recovery_seconds"])
        self.assertEqual(record["answered_meanwhile"], 0.0)

    def test_every_request_stands_in_the_timeline(self):
        record = self.reckon(lost=range(100, 150), late={180})
        self.assertEqual([sum(column) for column in zip(*record["bins"])], [249, 1, 50])

    def test_trouble_before_the_signal_makes_the_trial_invalid(self):
        record = {"crash": self.reckon(lost=(20,))}
        self.assertEqual(validity.crash_gates(record, Limits()),
                         ["requests were lost or late before any process got a signal"])
        self.assertEqual(validity.crash_gates({"crash": self.reckon(lost=(120,)), "died": "killed"}, Limits()), [])


class Late(unittest.TestCase):
    def test_unanswered_requests_are_late(self):
        figures = {"due": 10, "response_histogram": [[1.0, 6], [39.0, 1], [80.0, 2]]}
        self.assertAlmostEqual(timed_load.late_share(figures, 40), 0.3)


class Gates(unittest.TestCase):
    def test_connections_that_do_not_add_up(self):
        record = {"connections": 4, "openings": [{"connections": [2, 1], "requests": [2, 1]}]}
        self.assertEqual(validity.balance_gates(record, Limits()),
                         ["the workers' connections do not add up to those that were opened"])
        record["openings"][0]["connections"] = [3, 1]
        self.assertEqual(validity.balance_gates(record, Limits()), [])


if __name__ == "__main__":
    unittest.main()
