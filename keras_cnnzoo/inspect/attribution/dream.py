"""What a network sees in a picture, drawn into the picture."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_cnnzoo.inspect.attribution.ascent import Pictures, ascent, to_uint8
from keras_cnnzoo.structure.paths import Selection, find


def deep_dream(
    model: keras.Model,
    image: Any,
    layers: Selection,
    *,
    steps: int = 12,
    octaves: int = 4,
    scale: float = 1.4,
    rate: float = 0.01,
    value_range: tuple[float, float] = (0.0, 255.0),
    seed: int = 0,
) -> np.ndarray:
    """Strengthen in a picture whatever layers see in it (DeepDream).

    It begins with the picture made small, and goes on at larger and larger sizes, so
    that forms come at several scales. A model of one input size looks at the picture
    tile by tile, so a picture of any size will do.

    Args:
        model: Any built Keras model.
        image: A picture, `(height, width, channels)` in 0..255.
        layers: The layers, as `find` takes them, whose mean square is made large.
        steps: How many steps are taken at each size.
        octaves: How many sizes there are.
        scale: How much larger each is than the one before.
        rate: Standard deviation of a step as a share of the value range.
        value_range: The range of pixels in what the model takes; the picture is
            brought to it.
        seed: Draws where the tiles begin; the same seed makes the same picture.

    Returns:
        `(height, width, channels)` uint8.

    Raises:
        ValueError: It is no picture of the model's channels; nothing matches `layers`,
            or they do not answer to the picture.

    Source:
        Mordvintsev et al., "Inceptionism: Going Deeper into Neural Networks", 2015.
    """
    pictures = Pictures(model, value_range)
    picture = np.asarray(image, "float64") / 255
    if picture.ndim != 3 or picture.shape[-1] != pictures.channels:
        raise ValueError(
            f"`image` is one picture, (height, width, {pictures.channels}). Received "
            f"an array of shape {np.shape(image)}."
        )
    chosen = list(find(model, layers).values())
    rng = np.random.default_rng(seed)
    climb = ascent(model, chosen, _mean_square, pictures)
    grown = np.zeros_like(picture)
    for octave in reversed(range(octaves)):
        height, width = (
            max(1, round(side / scale**octave)) for side in picture.shape[:2]
        )
        base = _resize(picture, (height, width))
        shown = base + _resize(grown, (height, width))
        for _ in range(steps):
            uphill = _tiled(climb, shown, pictures.size, rng)
            spread = uphill.std()
            if not spread:
                raise ValueError(
                    f"{', '.join(layer.name for layer in chosen)} of "
                    f"{model.name!r} give the same whatever the picture."
                )
            shown = np.clip(shown + rate * uphill / spread, 0, 1)
        grown = shown - base
    return to_uint8(np.clip(picture + grown, 0, 1))


def _mean_square(outputs: list[Any], weights: Any) -> Any:
    """Return the mean over the layers of the mean square that each gives."""
    means = [
        ops.mean(ops.square(output), tuple(range(1, len(output.shape))))
        for output in outputs
    ]
    return ops.sum(ops.stack(means), 0)


def _tiled(
    climb: Callable[[np.ndarray, np.ndarray], np.ndarray],
    shown: np.ndarray,
    size: tuple[int | None, ...],
    rng: np.random.Generator,
) -> np.ndarray:
    """Take the gradient tile by tile, cut anew each time so that no seam stays."""
    height, width, channels = shown.shape
    tile = tuple(own or side for own, side in zip(size, (height, width), strict=True))
    move = rng.integers(0, tile)
    rows, columns = (
        math.ceil(side / length)
        for side, length in zip((height, width), tile, strict=True)
    )
    padding = (
        (0, rows * tile[0] - height),
        (0, columns * tile[1] - width),
        (0, 0),
    )
    sheet = np.pad(np.roll(shown, move, (0, 1)), padding, "wrap")
    tiles = sheet.reshape(rows, tile[0], columns, tile[1], channels).swapaxes(1, 2)
    uphill = climb(tiles.reshape(-1, *tile, channels), np.zeros((1, 1)))
    sheet = uphill.reshape(tiles.shape).swapaxes(1, 2).reshape(sheet.shape)
    return np.roll(sheet[:height, :width], -move, (0, 1))


def _resize(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    scaled = ops.image.resize(
        picture.astype("float32"),
        size,
        interpolation="bilinear",
        antialias=True,
        data_format="channels_last",
    )
    return ops.convert_to_numpy(scaled).astype("float64")
