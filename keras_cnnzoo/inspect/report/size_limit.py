"""Choose the channels and numbers that fit into a page of limited size."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_cnnzoo.inspect.report.rows import Entry

#: The most feature maps to show per layer, and the most values of a vector.
CHANNELS, UNITS = 64, 256
#: Bytes per value on the page. Feature maps are compressed, then written as base64.
BYTES_PER_PIXEL, BYTES_PER_FLOAT = 0.95, 4.6


def choose_channels(
    entries: Sequence[Entry], images: int, room: float
) -> dict[str, np.ndarray]:
    """Choose the channels to show for each row, in ascending order.

    These are the channels with the highest values on any of the images. Rows with many
    pixels get fewer channels, until everything fits or each row has only one.

    Args:
        entries: The rows.
        images: The number of images.
        room: Bytes for the feature maps.
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
    """Choose the rows for which the page can compute every pixel.

    Args:
        order: The rows, the most wanted first; those that are too large are skipped.
        costs: The number of floats that each row needs.
        room: Bytes for all of them.
    """
    chosen = set()
    for path in order:
        taken = costs[path] * BYTES_PER_FLOAT
        if taken <= room:
            chosen.add(path)
            room -= taken
    return chosen
