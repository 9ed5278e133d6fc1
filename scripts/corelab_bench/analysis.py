"""Statistics, and nothing else: paired log-ratios within blocks, bootstrap over blocks, and the words.

A word comes from an interval, never from a median: an interval that reaches over a limit says `undecided`.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

CONFIDENCE = 0.95
RESAMPLES = 4000
BCA_FROM = 6  # below, the bias and acceleration of BCa cannot be estimated: plain percentiles, with the count said
WORD_FROM = 3  # fewer blocks give no word
SEED = 7  # the resampling is part of the method: the same data give the same interval


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval; low and high are None when there are too few blocks for one."""

    n: int
    value: float
    low: float | None
    high: float | None
    method: str

    @property
    def decides(self) -> bool:
        return self.low is not None and self.n >= WORD_FROM

    def inverted(self) -> "Interval":
        """The interval of the inverse, for ratios."""
        return Interval(self.n, 1 / self.value, None if self.high is None else 1 / self.high,
                        None if self.low is None else 1 / self.low, self.method)


@functools.cache
def resamples(count: int) -> np.ndarray:
    """Which of `count` values each resample takes: the same each time, so drawn once."""
    return np.random.default_rng(SEED).integers(0, count, (RESAMPLES, count))


def bootstrap_mean(values) -> Interval | None:
    """The mean and its bootstrap interval over `values`, one a block; None without values."""
    values = np.asarray(values, dtype=float)
    count = len(values)
    if count == 0:
        return None
    mean = float(values.mean())
    if count == 1:
        return Interval(1, mean, None, None, "one block")
    if np.ptp(values) == 0:
        return Interval(count, mean, mean, mean, "no variation")
    means = values[resamples(count)].mean(axis=1)
    tail = (1 - CONFIDENCE) / 2
    if count < BCA_FROM:
        low, high = np.quantile(means, [tail, 1 - tail])
        return Interval(count, mean, float(low), float(high), "percentile")
    low, high = np.quantile(means, bca_levels(values, means, tail))
    return Interval(count, mean, float(low), float(high), "BCa")


def bca_levels(values: np.ndarray, means: np.ndarray, tail: float) -> list[float]:
    """The quantiles to read so that bias and skew of the mean are corrected (Efron 1987)."""
    below = np.mean(means < values.mean()) + np.mean(means == values.mean()) / 2
    bias = norm.ppf(min(max(below, 1 / RESAMPLES), 1 - 1 / RESAMPLES))
    jackknife = (values.sum() - values) / (len(values) - 1)
    deviation = jackknife.mean() - jackknife
    acceleration = (deviation**3).sum() / (6 * (deviation**2).sum() ** 1.5)
    levels = []
    for z in (norm.ppf(tail), norm.ppf(1 - tail)):
        levels.append(float(norm.cdf(bias + (bias + z) / (1 - acceleration * (bias + z)))))
    return levels


def geometric(values) -> Interval | None:
    """The geometric mean of positive values and its interval."""
    mean = bootstrap_mean([math.log(value) for value in values if value > 0])
    return exponential(mean)


def paired_ratio(numerator: dict[int, float], denominator: dict[int, float]) -> Interval | None:
    """The ratio of two entries over the blocks in which both are valid; {block: value} each."""
    blocks = sorted(numerator.keys() & denominator.keys())
    logs = [math.log(numerator[block] / denominator[block]) for block in blocks
            if numerator[block] > 0 and denominator[block] > 0]
    return exponential(bootstrap_mean(logs))


def unpaired_ratio(numerator: list[float], denominator: list[float]) -> Interval | None:
    """The ratio of the geometric means of two samples that are no pairs, each resampled on its own."""
    first, second = (np.log([value for value in values if value > 0]) for values in (numerator, denominator))
    if not len(first) or not len(second):
        return None
    count, value = min(len(first), len(second)), math.exp(first.mean() - second.mean())
    if count == 1:
        return Interval(1, value, None, None, "one block")
    rng = np.random.default_rng(SEED)
    means = [sample[rng.integers(0, len(sample), (RESAMPLES, len(sample)))].mean(axis=1) for sample in (first, second)]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.exp(np.quantile(means[0] - means[1], [tail, 1 - tail]))
    return Interval(count, value, float(low), float(high), "percentile")


def exponential(interval: Interval | None) -> Interval | None:
    if interval is None:
        return None
    raised = [None if value is None else math.exp(value) for value in (interval.value, interval.low, interval.high)]
    return Interval(interval.n, *raised, interval.method)


@dataclass(frozen=True)
class Band:
    """The A/A band: [1 / factor, factor] is what the reference shows against itself, `tie_within` at least.

    A difference must reach beyond the band to count. A tie must stay inside it, and a band wider than `tie_limit`
    cannot vouch for a tie: there a noisy control would make everything equal.
    """

    factor: float
    tie_limit: float


def band(again: Interval | None, tie_within: float, tie_at_most: float) -> Band:
    widths = [math.log1p(tie_within)]
    if again is not None and again.low is not None:
        widths += [abs(math.log(again.low)), abs(math.log(again.high))]
    return Band(math.exp(max(widths)), 1 + max(tie_within, tie_at_most))


def compare_word(ratio: Interval | None, within: Band) -> str:
    """`ratio` is oriented so that more than 1 is better. tie, ahead, behind or undecided."""
    if ratio is None or not ratio.decides:
        return "undecided"
    if ratio.low > within.factor:
        return "ahead"
    if ratio.high < 1 / within.factor:
        return "behind"
    tie = min(within.factor, within.tie_limit)
    return "tie" if 1 / tie <= ratio.low and ratio.high <= tie else "undecided"


def limit_word(interval: Interval | None, at_most: float | None, at_least: float | None,
               words: tuple[str, str, str] = ("met", "missed", "undecided")) -> str:
    """Whether the whole interval keeps the limit, the whole of it breaks it, or neither."""
    kept, broken, neither = words
    if interval is None or not interval.decides:
        return neither
    keeps = (at_most is None or interval.high <= at_most) and (at_least is None or interval.low >= at_least)
    breaks = (at_most is not None and interval.low > at_most) or (at_least is not None and interval.high < at_least)
    return kept if keeps else broken if breaks else neither


def tie_claim_word(ratio: Interval | None, within: Band) -> str:
    word = compare_word(ratio, within)
    return {"tie": "confirmed", "ahead": "refuted", "behind": "refuted"}.get(word, "inconclusive")


def all_of(words: list[str]) -> str:
    """One word for a hypothesis of several claims."""
    if not words or "inconclusive" in words and "refuted" not in words:
        return "inconclusive"
    return "refuted" if "refuted" in words else "confirmed"


def spread(values) -> float:
    """Standard deviation of the logarithms: about the relative spread from run to run."""
    logs = [math.log(value) for value in values if value > 0]
    return float(np.std(logs, ddof=1)) if len(logs) > 1 else 0.0


def slope(x, y) -> float:
    """Least squares slope."""
    return float(np.polyfit(np.asarray(x, dtype=float), np.asarray(y, dtype=float), 1)[0])
