"""Adapt a first convolution, and its normalisation, to another number of channels.

A channel is normalised to `gain * (pixel - level)`. The kernel and these constants are
changed together, so that an image whose channels are all equal gives the same output as
before. This includes its border, because zero padding equals pixels at their level, and
the levels are kept. A single channel has one level, so it can replace several channels
exactly only if their levels are equal. That is why `build` repeats the channel of a
grey image instead.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Colors:
    """The normalisation before the first convolution.

    Attributes:
        matrix: `(channels, channels)`, as in `ColorNormalization`.
        offset: `(channels,)`, as in `ColorNormalization`.
    """

    matrix: np.ndarray
    offset: np.ndarray

    @classmethod
    def none(cls, channels: int) -> "Colors":
        """Return the constants that leave pixels unchanged."""
        return cls(np.eye(channels), np.zeros(channels))

    @property
    def order(self) -> np.ndarray:
        """Each channel's index after normalisation; reversed if the order is BGR."""
        order = np.abs(self.matrix).argmax(axis=1)
        plain = np.arange(len(order))
        return order if len(set(order.tolist())) == len(order) else plain


def adapt(colors: Colors, channels: int) -> tuple[Colors, np.ndarray]:
    """Adapt a normalisation, and the kernel after it, to another number of channels.

    Args:
        colors: The source's normalisation.
        channels: Number of channels of our images.

    Returns:
        The normalisation for these channels, and a matrix `(theirs, ours)` that adapts
        the kernel: `np.einsum("hwio,ij->hwjo", kernel, matrix)`.
    """
    order = colors.order
    # The factor of each channel, for an image whose channels are all equal.
    gain = colors.matrix.sum(axis=0)[order].astype(float)
    offset = colors.offset[order].astype(float)
    present = len(gain)
    share = np.zeros((present, channels))
    if present <= channels:
        chosen = np.arange(channels) % present
        share[chosen, np.arange(channels)] = 1 / np.bincount(chosen)[chosen]
        gains, offsets = gain[chosen], offset[chosen]
    else:
        level = -offset / np.where(gain == 0, 1, gain)
        if channels == 1:
            gains = gain.mean(keepdims=True)
            offsets = -gains * level.mean()
            share[:, 0] = gain / gains
        else:
            chosen = _extremes_first(level)[:channels]
            low, high = chosen[:2]
            chosen = np.sort(chosen)
            gains, offsets = gain[chosen], offset[chosen]
            at = {int(c): i for i, c in enumerate(chosen)}
            for channel in range(present):
                if channel in at:
                    share[channel, at[channel]] = 1
                    continue
                # A level between two others is a weighted mean of them.
                span = level[high] - level[low]
                part = (level[channel] - level[low]) / span if span else 0.5
                share[channel, at[int(high)]] = part * gain[channel] / gain[high]
                share[channel, at[int(low)]] = (1 - part) * gain[channel] / gain[low]
    kernel = np.zeros_like(share)
    kernel[order] = share
    return Colors(np.diag(gains), offsets), kernel


def _extremes_first(level: np.ndarray) -> np.ndarray:
    """Order channels: first the lowest level, then the highest, then the others."""
    low, high = int(level.argmin()), int(level.argmax())
    if low == high:
        low, high = 0, len(level) - 1
    others = [i for i in range(len(level)) if i not in (low, high)]
    return np.array([low, high, *others])
