"""DeepDream: change a picture so that it activates a network's layers more."""

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
    """Change a picture so that the outputs of some layers get larger (DeepDream).

    The method starts with the picture scaled down, and goes on at larger and larger
    sizes, so that patterns appear at several scales. If the model has a fixed input
    size, the picture is processed in tiles, so it can have any size.

    Args:
        model: Any built Keras model.
        image: A picture, `(height, width, channels)` in 0..255.
        layers: The layers, as `find` takes them. The mean square of their outputs is
            maximised.
        steps: The number of steps at each size.
        octaves: The number of sizes.
        scale: The ratio of each size to the one before.
        rate: Standard deviation of a step, as a share of the value range.
        value_range: The range of pixel values in the model's input; the picture is
            scaled to it.
        seed: Determines where the tiles begin. The same seed gives the same picture.

    Returns:
        `(height, width, channels)` uint8.

    Raises:
        ValueError: `image` is not one picture with the model's number of channels,
            nothing matches `layers`, or their outputs do not depend on the picture.

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
    """Return, per image, the sum over layers of the mean square of their outputs."""
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
    """Compute the gradient in tiles, at random offsets so that no seams build up."""
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
