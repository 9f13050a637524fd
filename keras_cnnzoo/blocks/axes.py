"""Where the channels are under the configured data format."""

from typing import TypeVar

import keras

T = TypeVar("T")


def channel_axis() -> int:
    """Return the axis that holds the channels of an image batch."""
    return -1 if keras.config.image_data_format() == "channels_last" else 1


def channels(x: keras.KerasTensor) -> int:
    """Return the number of channels of a symbolic image tensor."""
    return x.shape[channel_axis()]


def image_shape(channels_last: tuple[T, ...]) -> tuple[T, ...]:
    """Return `(height, width, channels)` in the order of the configured format."""
    if keras.config.image_data_format() == "channels_last":
        return tuple(channels_last)
    *size, depth = channels_last
    return (depth, *size)
