"""The statistics against data whose answer is known."""

import math
import unittest

import numpy as np
import support  # noqa: F401  (puts the package on the path)
from scipy import stats

from corelab_bench import analysis


def blocks(rng, factor: float, noise: float, count: int) -> tuple[dict, dict]:
    """Two entries over `count` blocks: a drift that both share, noise of their own, a true ratio of `factor`."""
    drift = np.exp(rng.normal(0, 0.10, count))
    own, other = (np.exp(rng.normal(0, noise, count)) for _ in range(2))
    return dict(enumerate(factor * 1000 * drift * own)), dict(enumerate(1000 * drift * other))


class Words(unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(20250101)

    def word(self, factor: float, noise: float, count: int) -> str:
        again = analysis.paired_ratio(*blocks(self.rng, 1.0, noise, count))
        return analysis.compare_word(analysis.paired_ratio(*blocks(self.rng, factor, noise, count)),
                                     analysis.band(again, 0.03, 0.06))

    def test_the_same_server_twice_ties(self):
        self.assertEqual([self.word(1.0, 0.01, 12) for _ in range(20)], ["tie"] * 20)

    def test_ten_per_cent_more_is_ahead_and_less_is_behind(self):
        self.assertEqual([self.word(1.10, 0.01, 12) for _ in range(20)], ["ahead"] * 20)
        self.assertEqual([self.word(1 / 1.10, 0.01, 12) for _ in range(20)], ["behind"] * 20)

    def test_noise_makes_it_undecided(self):
        words = [self.word(1.05, 0.30, 6) for _ in range(20)]
        self.assertGreaterEqual(words.count("undecided"), 18)

    def test_few_blocks_give_no_word(self):
        self.assertEqual(self.word(2.0, 0.001, 2), "undecided")

    def test_a_noisy_control_takes_words_away(self):
        quiet = analysis.band(analysis.Interval(6, 1.0, 0.99, 1.01, "BCa"), 0.03, 0.06)
        restless = analysis.band(analysis.Interval(6, 1.0, 0.96, 1.05, "BCa"), 0.03, 0.06)
        noisy = analysis.band(analysis.Interval(6, 1.05, 0.98, 1.12, "BCa"), 0.03, 0.06)
        ahead = analysis.Interval(6, 1.08, 1.06, 1.11, "BCa")
        close = analysis.Interval(6, 1.02, 1.00, 1.04, "BCa")
        wide = analysis.Interval(6, 1.00, 0.92, 1.09, "BCa")
        self.assertEqual([analysis.compare_word(ahead, band) for band in (quiet, restless, noisy)],
                         ["ahead", "ahead", "undecided"])
        self.assertEqual([analysis.compare_word(close, band) for band in (quiet, restless, noisy)],
                         ["undecided", "tie", "tie"])
        self.assertEqual([analysis.compare_word(wide, band) for band in (quiet, restless, noisy)],
                         ["undecided"] * 3)

    def test_limits_are_judged_by_the_whole_interval(self):
        def judge(low, high, **limit):
            value = analysis.Interval(8, (low + high) / 2, low, high, "BCa")
            return analysis.limit_word(value, limit.get("at_most"), limit.get("at_least"))
        self.assertEqual(judge(1.02, 1.08, at_most=1.10), "met")
        self.assertEqual(judge(1.12, 1.20, at_most=1.10), "missed")
        self.assertEqual(judge(1.02, 1.12, at_most=1.10), "undecided")  # the median would have said met
        self.assertEqual(judge(1.5, 1.7, at_least=1.4), "met")
        self.assertEqual(judge(0.95, 1.02, at_least=0.9, at_most=1.0), "undecided")
        self.assertEqual(judge(1.05, 1.08, at_least=0.9, at_most=1.0), "missed")
        self.assertEqual(analysis.limit_word(None, 1.0, None), "undecided")

    def test_a_hypothesis_is_as_good_as_its_worst_claim(self):
        self.assertEqual(analysis.all_of(["confirmed", "confirmed"]), "confirmed")
        self.assertEqual(analysis.all_of(["confirmed", "inconclusive"]), "inconclusive")
        self.assertEqual(analysis.all_of(["refuted", "inconclusive"]), "refuted")
        self.assertEqual(analysis.all_of([]), "inconclusive")


class Intervals(unittest.TestCase):
    def test_pairing_removes_the_drift(self):
        rng = np.random.default_rng(1)
        ratio = analysis.paired_ratio(*blocks(rng, 1.2, 0.002, 20))
        self.assertLess(ratio.high - ratio.low, 0.01)  # the drift alone is 10 %
        self.assertTrue(ratio.low <= 1.2 <= ratio.high)

    def test_only_blocks_that_have_both_count(self):
        ratio = analysis.paired_ratio({0: 2.0, 1: 2.0, 2: 2.0}, {1: 1.0, 2: 1.0, 3: 9.0})
        self.assertEqual((ratio.n, ratio.value), (2, 2.0))
        self.assertIsNone(analysis.paired_ratio({0: 1.0}, {1: 1.0}))

    def test_the_method_follows_the_number_of_blocks(self):
        values = [1.0, 1.3, 0.9, 1.1, 1.2, 1.0, 1.4]
        self.assertEqual(analysis.bootstrap_mean(values[:1]).method, "one block")
        self.assertIsNone(analysis.bootstrap_mean(values[:1]).low)
        self.assertEqual(analysis.bootstrap_mean(values[:5]).method, "percentile")
        self.assertEqual(analysis.bootstrap_mean(values[:6]).method, "BCa")
        self.assertEqual(analysis.bootstrap_mean([2.0, 2.0]).low, 2.0)
        self.assertIsNone(analysis.bootstrap_mean([]))

    def test_bca_agrees_with_scipy_on_skewed_data(self):
        values = np.random.default_rng(3).lognormal(0, 1, 25)
        ours = analysis.bootstrap_mean(values)
        theirs = stats.bootstrap((values,), np.mean, method="BCa", n_resamples=9999,
                                 random_state=np.random.default_rng(4)).confidence_interval
        width = theirs.high - theirs.low
        self.assertAlmostEqual(ours.low, theirs.low, delta=0.05 * width)
        self.assertAlmostEqual(ours.high, theirs.high, delta=0.05 * width)

    def test_bca_covers_the_truth_about_as_often_as_it_says(self):
        rng = np.random.default_rng(5)
        intervals = [analysis.bootstrap_mean(rng.normal(0, 1, 20)) for _ in range(300)]
        covered = sum(one.low <= 0 <= one.high for one in intervals) / 300
        self.assertTrue(0.89 <= covered <= 0.98, covered)

    def test_inverting_swaps_the_ends(self):
        inverted = analysis.Interval(8, 2.0, 1.0, 4.0, "BCa").inverted()
        self.assertEqual((inverted.low, inverted.value, inverted.high), (0.25, 0.5, 1.0))

    def test_geometric_mean_and_slope(self):
        self.assertAlmostEqual(analysis.geometric([1.0, 4.0]).value, 2.0)
        self.assertAlmostEqual(analysis.slope([0, 1000, 4000], [50, 1050, 4050]), 1.0)
        self.assertAlmostEqual(analysis.spread([1.0, math.e]), math.sqrt(0.5))


if __name__ == "__main__":
    unittest.main()
