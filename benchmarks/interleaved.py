"""Time alternatives in turn, because a machine's speed drifts within a minute."""

import gc
import statistics
import time
from collections.abc import Callable


def ratios(
    alternatives: dict[str, Callable[[], object]], *, rounds: int = 30
) -> dict[str, float]:
    """Return the median time of each alternative relative to the first.

    Every round runs each alternative once. Ratios are computed within a round.
    """
    for run in alternatives.values():
        run()
        run()
    times: dict[str, list[float]] = {name: [] for name in alternatives}
    for _ in range(rounds):
        for name, run in alternatives.items():
            gc.collect()  # or the garbage of one would count for the next
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    first = next(iter(times.values()))
    return {
        name: statistics.median(t / f for t, f in zip(taken, first, strict=True))
        for name, taken in times.items()
    }
