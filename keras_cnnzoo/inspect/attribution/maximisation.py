"""Activation maximisation: an image that strongly activates a filter."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_cnnzoo.axes import channel_axis
from keras_cnnzoo.inspect.attribution.ascent import (
    Objective,
    Pictures,
    ascent,
    natural,
    to_uint8,
)
from keras_cnnzoo.inspect.trace.layer_calls import Call, last_call, layer_calls
from keras_cnnzoo.structure.paths import Selection

#: Side of the image for a model that takes images of any size.
_SIDE = 128
#: Standard deviation to which a gradient's pixels are scaled; it limits the contrast.
_CONTRAST = 0.5


def maximise(
    model: keras.Model,
    layer: Selection,
    channel: int | Sequence[int] | None = None,
    *,
    steps: int = 128,
    size: int | tuple[int, int] | None = None,
    rate: float = 0.1,
    jitter: int | None = None,
    value_range: tuple[float, float] = (0.0, 255.0),
    seed: int = 0,
) -> np.ndarray:
    """Create an image that strongly activates a filter, by gradient ascent from noise.

    At each step the image is shifted a little at random, and the gradient is smoothed
    to the frequencies of photographs. Without both, the result is high-frequency noise.

    Args:
        model: Any built Keras model.
        layer: The layer, as `find` takes it: one that outputs feature maps, or a dense
            layer, whose softmax or sigmoid is left out.
        channel: The channel whose mean is maximised, or the dense unit. Several give
            one image each. None maximises the mean square of all channels.
        steps: The number of steps.
        size: Height and width, one int for both. None uses the model's own size, or 128
            if the model takes any.
        rate: How much of the image the first step replaces by the smoothed gradient,
            1 for all of it. It decreases linearly to 0 over the steps.
        jitter: The largest shift in pixels. None uses a sixteenth of the shorter side.
        value_range: The range of pixel values in the model's input.
        seed: Seed of the initial noise and the shifts. The same seed gives the same
            image.

    Returns:
        `(height, width, channels)` uint8; `(n, height, width, channels)` for several
        channels.

    Raises:
        ValueError: `layer` does not match exactly one layer; that layer has no such
            channel, or its output does not depend on the image; or the model does not
            take images of that size.

    Source:
        Erhan et al., "Visualizing Higher-Layer Features of a Deep Network", 2009; Olah
        et al., "Feature Visualization", 2017, for the shifts and the frequencies.
    """
    pictures = Pictures(model, value_range)
    height, width = _size(model, size, pictures.size)
    calls = layer_calls(model, pictures.shape((height, width)))
    found = last_call(model, calls, layer)
    weights = _weights(found, channel)
    climb = ascent(model, [found.layer], _objective(found, channel), pictures)
    rng = np.random.default_rng(seed)
    reach = max(1, min(height, width) // 16) if jitter is None else jitter
    shape = (len(weights), height, width, pictures.channels)
    # Every channel starts from the same noise, so that its image does not depend on
    # which other channels are computed with it.
    noise = np.broadcast_to(natural(rng.standard_normal((1, *shape[1:]))), shape)
    shown = np.clip(0.5 + rate * _CONTRAST * noise, 0, 1)
    silent = np.ones(len(weights), bool)
    for step in range(steps):
        move = rng.integers(-reach, reach + 1, 2)
        uphill = climb(np.roll(shown, move, (1, 2)), weights)
        silent &= ~uphill.any((1, 2, 3))
        pace = rate * (1 - step / steps)
        goal = 0.5 + _CONTRAST * natural(np.roll(uphill, -move, (1, 2)))
        shown = shown + pace * (goal - shown)
        # While a channel's gradient has always been zero, try new noise.
        noise = 0.5 + _CONTRAST * natural(rng.standard_normal((1, *shape[1:])))
        shown = np.where(silent[:, None, None, None], noise, shown)
        shown = np.clip(shown, 0, 1)
    if steps and silent.any():
        which = (
            "" if channel is None else f"channel {np.atleast_1d(channel)[silent]} of "
        )
        raise ValueError(
            f"{which}{found.layer.name!r} gives the same for any image that was tried: "
            "its gradient stayed zero. It may be dead, or another `seed` finds a start."
        )
    drawn = to_uint8(shown)
    return drawn if isinstance(channel, Sequence | np.ndarray) else drawn[0]


def _size(
    model: keras.Model, size: Any, own: tuple[int | None, ...]
) -> tuple[int, int]:
    """Return height and width of the image, which the model must take."""
    if size is None:
        size = tuple(side or _SIDE for side in own)
    height, width = (size, size) if np.ndim(size) == 0 else size
    if any(
        side not in (None, asked)
        for side, asked in zip(own, (height, width), strict=True)
    ):
        raise ValueError(
            f"{model.name!r} takes images of height and width {own}. Received: "
            f"size={size}"
        )
    return height, width


def _channel_axis(found: Call) -> int:
    rank = len(found.shape or ())
    return channel_axis(found.data_format) % rank if rank > 2 else rank - 1


def _weights(found: Call, channel: int | Sequence[int] | None) -> np.ndarray:
    """Return a one-hot row per channel; for all channels, a single row of zeros."""
    if found.shape is None or len(found.shape) < 2:
        raise ValueError(
            f"{found.layer.name!r} gives no maps and no vector. Name another layer."
        )
    channels = found.shape[_channel_axis(found)]
    if channel is None:
        return np.zeros((1, channels))
    chosen = np.atleast_1d(channel)
    if not np.issubdtype(chosen.dtype, np.integer) or not len(chosen):
        raise TypeError(f"`channel` is a number, or several. Received: {channel!r}")
    if chosen.min() < 0 or chosen.max() >= channels:
        raise ValueError(
            f"`channel` is in 0..{channels - 1}: {found.layer.name!r} gives {channels} "
            f"channels. Received: {channel!r}"
        )
    return np.eye(channels)[chosen]


def _objective(found: Call, channel: int | Sequence[int] | None) -> Objective:
    axis = _channel_axis(found)

    def objective(outputs: list[Any], weights: Any) -> Any:
        (output,) = outputs
        others = tuple(i for i in range(1, len(output.shape)) if i != axis)
        if channel is None:
            return ops.mean(ops.square(output), (*others, axis))
        return ops.sum(ops.mean(output, others) * weights, -1)

    return objective
