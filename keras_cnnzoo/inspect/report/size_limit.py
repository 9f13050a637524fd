"""What a page of a given size has room for: how many maps, and which numbers."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_cnnzoo.inspect.report.rows import Entry

#: At most so many maps of a layer, or numbers of a vector.
CHANNELS, UNITS = 64, 256
#: What a number takes on the page. Maps are compressed to less and written as base64.
BYTES_PER_PIXEL, BYTES_PER_FLOAT = 0.95, 4.6


def choose_channels(
    entries: Sequence[Entry], images: int, room: float
) -> dict[str, np.ndarray]:
    """Choose the channels of each row that are shown, in ascending order.

    The strongest are, by the highest value that any of the images brings out. Rows
    with many pixels get fewer channels until everything fits, or each has but one.

    Args:
        entries: The rows.
        images: How many images there are.
        room: Bytes for the maps.
    """
    shown = [e for e in entries if e.shape is not None and e.same_as is None]
    pixels = float(max((e.pixels for e in shown), default=1) * CHANNELS)
    while True:
        counts = {e.path: _count(e, pixels) for e in shown}
        needed = sum(counts[e.path] * e.pixels for e in shown) * images
        if needed * BYTES_PER_PIXEL <= room or max(counts.values(), default=1) == 1:
            return {e.path: _strongest(e, counts[e.path]) for e in shown}
        pixels *= 0.8


def _count(entry: Entry, pixels: float) -> int:
    channels = len(entry.seen[0].high)
    if entry.pixels == 1:
        return min(channels, UNITS, max(1, int(pixels)))
    return max(1, min(channels, CHANNELS, int(pixels / entry.pixels)))


def _strongest(entry: Entry, count: int) -> np.ndarray:
    peaks = np.max([seen.high for seen in entry.seen], axis=0)
    peaks = np.where(np.isfinite(peaks), peaks, -np.inf)
    return np.sort(np.argsort(-peaks, kind="stable")[:count])


def choose_full(
    order: Sequence[str], costs: Mapping[str, int], room: float
) -> set[str]:
    """Choose the rows whose every pixel can be computed on the page.

    Args:
        order: The rows, the most wanted first; what is too large is passed over.
        costs: How many floats each takes.
        room: Bytes for all of them.
    """
    chosen = set()
    for path in order:
        taken = costs[path] * BYTES_PER_FLOAT
        if taken <= room:
            chosen.add(path)
            room -= taken
    return chosen
