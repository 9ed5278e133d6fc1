"""What chance alone does when each connection picks a worker by a fair die."""

import functools
import math


@functools.cache
def share_probabilities(connections: int, workers: int) -> list[float]:
    """The binomial: the probability that a given worker has 0, 1, … of the connections."""
    chance = 1 / workers
    return [math.comb(connections, count) * chance**count * (1 - chance)**(connections - count)
            for count in range(connections + 1)]


def expected_largest(connections: int, workers: int) -> float:
    """The expected number of connections of the worker that has most, exactly."""
    return sum(1 - at_most(connections, workers, most) for most in range(connections))


def at_most(connections: int, workers: int, most: int) -> float:
    """The probability that no worker has more than `most`: workers are added one by one, each with its binomial part
    of what is left."""
    left = {connections: 1.0}
    for remaining in range(workers, 0, -1):
        after: dict[int, float] = {}
        for count, probability in left.items():
            for taken, chance in enumerate(share_probabilities(count, remaining)[:most + 1]):
                if chance:
                    after[count - taken] = after.get(count - taken, 0.0) + probability * chance
        left = after
    return left.get(0, 0.0)
