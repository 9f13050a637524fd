"""Time several things in turn, because a machine's speed drifts within a minute."""

import gc
import math
import statistics
import time
from collections.abc import Callable, Sequence

#: Runs a number of steps, waits until the device has done them, and returns the seconds
#: that they took.
Steps = Callable[[int], float]

#: A measurement of a step takes at least as many seconds, and at most as many steps.
AT_LEAST, MOST = 0.2, 500


def timed(step: Callable[[], object], finish: Callable[[], object]) -> Steps:
    """Return a function that times steps.

    Args:
        step: One step, which the device may still be computing when it returns.
        finish: Waits until the device has done all steps.
    """

    def run(count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            step()
        finish()
        return time.perf_counter() - began

    return run


def time_in_turn(
    alternatives: Sequence[Steps],
    rounds: int,
    say: Callable[[str], object] = lambda text: None,
) -> list[list[float]]:
    """Return the seconds of a step of each alternative, in each round.

    Every round measures each alternative once, over several steps if they are short.
    All have to have run before, so that nothing is compiled.

    Args:
        alternatives: What is timed.
        rounds: Number of rounds.
        say: Called with what happens next.
    """
    counts = [
        min(MOST, math.ceil(AT_LEAST / max(run(1), 1e-9))) for run in alternatives
    ]
    seconds: list[list[float]] = [[] for _ in alternatives]
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for run, count, taken in zip(alternatives, counts, seconds, strict=True):
            gc.collect()  # or the garbage of one would count for the next
            taken.append(run(count) / count)
    return seconds


def spread(values: Sequence[float]) -> float:
    """Return how far measurements lie apart, as a share of their median.

    It is half the distance between the quartiles, so that one round in which the
    machine did something else does not count. A single value gives 0.

    Example:
        >>> spread([1.0, 0.9, 1.1, 5.0, 1.0])
        0.05
    """
    if len(values) < 2:
        return 0.0
    first, median, third = statistics.quantiles(values, n=4, method="inclusive")
    return round((third - first) / 2 / median, 12)
