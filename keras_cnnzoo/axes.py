"""The channel axis and the spatial axes of images and feature maps."""

from typing import TypeVar

import keras
import numpy as np

T = TypeVar("T")


def standardize_data_format(data_format: str | None = None) -> str:
    """Return the data format; for None, the configured one.

    Raises:
        ValueError: `data_format` is neither "channels_last" nor "channels_first".
    """
    if data_format is None:
        return str(keras.config.image_data_format())
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            "`data_format` is 'channels_last', 'channels_first' or None, which takes "
            f"`keras.config.image_data_format()`. Received: {data_format!r}"
        )
    return data_format


def is_channels_last(data_format: str | None = None) -> bool:
    """Return whether the channels come last; None means the configured format."""
    return standardize_data_format(data_format) == "channels_last"


def channel_axis(data_format: str | None = None) -> int:
    """Return the channel axis of a batch, -1 or 1."""
    return -1 if is_channels_last(data_format) else 1


def spatial_axes(data_format: str | None = None, rank: int = 4) -> tuple[int, ...]:
    """Return the spatial axes of a batch.

    Args:
        data_format: The data format; None takes the configured one.
        rank: Number of axes of the batch.
    """
    first = 1 if is_channels_last(data_format) else 2
    return tuple(range(first, first + rank - 2))


def spatial(shape: tuple[int, ...], data_format: str | None = None) -> tuple[int, int]:
    """Return height and width of a batch of images or feature maps."""
    height, width = (shape[axis] for axis in spatial_axes(data_format))
    return height, width


def channels(x: keras.KerasTensor) -> int:
    """Return the number of channels of a symbolic image tensor."""
    return x.shape[channel_axis()]


def image_shape(channels_last: tuple[T, ...]) -> tuple[T, ...]:
    """Return `(height, width, channels)` in the order of the configured format."""
    if is_channels_last():
        return tuple(channels_last)
    *size, depth = channels_last
    return (depth, *size)


def channels_last_shape(
    shape: tuple[T, ...], data_format: str | None = None
) -> tuple[T, ...]:
    """Return the shape of one image or feature map as `(height, width, channels)`."""
    if is_channels_last(data_format):
        return tuple(shape)
    depth, *size = shape
    return (*size, depth)


def move_channels_last(array: np.ndarray, data_format: str | None = None) -> np.ndarray:
    """Return one image or feature map as `(height, width, channels)`."""
    return array if is_channels_last(data_format) else np.moveaxis(array, 0, -1)


def place_channels(images: np.ndarray) -> np.ndarray:
    """Return a channels-last batch in the configured format, contiguous in memory."""
    if is_channels_last():
        return images
    return np.ascontiguousarray(np.moveaxis(images, -1, 1))
