"""Time alternatives side by side, since a machine's speed drifts within a minute."""

import gc
import statistics
import time
from collections.abc import Callable


def ratios(
    alternatives: dict[str, Callable[[], object]], *, rounds: int = 30
) -> dict[str, float]:
    """Return the median time of each alternative relative to the first.

    Every round runs all of them once, in turn; a ratio is taken within its round.
    """
    for run in alternatives.values():
        run()
        run()
    times: dict[str, list[float]] = {name: [] for name in alternatives}
    for _ in range(rounds):
        for name, run in alternatives.items():
            gc.collect()  # or one would pay for what another has left behind
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    first = next(iter(times.values()))
    return {
        name: statistics.median(t / f for t, f in zip(taken, first, strict=True))
        for name, taken in times.items()
    }
