"""A first convolution, and the normalisation before it, for other input channels.

A channel's normalised pixel is `gain * (pixel - level)`. A kernel and these constants
are moved together, so that an image whose channels are equal gets the same output as
before, up to its border: there the padding stands for pixels at their level, and levels
stay what they were. One channel alone has one level. So it can stand for several only
where theirs are equal, which is why `build` repeats a grey image's channel instead.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Colors:
    """What happens to the pixels before the first convolution, one row per channel.

    Attributes:
        matrix: `(channels, channels)`, as `ColorNormalization` has it.
        offset: `(channels,)`.
    """

    matrix: np.ndarray
    offset: np.ndarray

    @classmethod
    def none(cls, channels: int) -> "Colors":
        """Return those of a model without normalisation."""
        return cls(np.eye(channels), np.zeros(channels))

    @property
    def order(self) -> np.ndarray:
        """The channel that an image's channel is after normalisation, BGR's turned."""
        order = np.abs(self.matrix).argmax(axis=1)
        plain = np.arange(len(order))
        return order if len(set(order.tolist())) == len(order) else plain


def adapt(colors: Colors, channels: int) -> tuple[Colors, np.ndarray]:
    """Move normalisation and kernel to another number of channels.

    Args:
        colors: Those of the source, whose kernel follows it.
        channels: How many channels the image has instead.

    Returns:
        The constants for these channels, and a matrix `(theirs, ours)` that takes a
        kernel along: `np.einsum("hwio,ij->hwjo", kernel, matrix)`.
    """
    order = colors.order
    # What each channel of the image contributes where all are equal.
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
                # A level between two others is a mean of theirs.
                span = level[high] - level[low]
                part = (level[channel] - level[low]) / span if span else 0.5
                share[channel, at[int(high)]] = part * gain[channel] / gain[high]
                share[channel, at[int(low)]] = (1 - part) * gain[channel] / gain[low]
    kernel = np.zeros_like(share)
    kernel[order] = share
    return Colors(np.diag(gains), offsets), kernel


def _extremes_first(level: np.ndarray) -> np.ndarray:
    """Order channels: that of the lowest level, of the highest, then the others."""
    low, high = int(level.argmin()), int(level.argmax())
    if low == high:
        low, high = 0, len(level) - 1
    others = [i for i in range(len(level)) if i not in (low, high)]
    return np.array([low, high, *others])
