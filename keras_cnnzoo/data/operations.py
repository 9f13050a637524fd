"""Operations on one 8-bit image, as the policies of augmentation choose from them."""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from keras_cnnzoo.data.adapt import RESAMPLING

Picture: TypeAlias = Image.Image
#: How pixels between others are computed, and the colour outside the image.
Look: TypeAlias = tuple[str, tuple[int, int, int]]
Operation: TypeAlias = Callable[[Picture, float, Look], Picture]


def operate(image: np.ndarray, name: str, value: float, look: Look) -> np.ndarray:
    """Apply an operation to an image.

    Args:
        image: uint8 `(height, width, channels)`, grey or RGB.
        name: One of `OPERATIONS`.
        value: What the comment there says.
        look: "nearest", "bilinear" or "bicubic", and the RGB colour outside the image.

    Raises:
        TypeError: The image is not 8-bit grey or RGB.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] not in (1, 3):
        raise TypeError(
            "An image is uint8 of shape (height, width, 1 or 3). Received: "
            f"{image.dtype} of shape {image.shape}"
        )
    pixels = image[..., 0] if image.shape[-1] == 1 else image
    changed = OPERATIONS[name](Image.fromarray(pixels), value, look)
    return np.asarray(changed).reshape(image.shape)


def _fill(picture: Picture, look: Look) -> Any:
    colour = look[1]
    return colour if picture.mode == "RGB" else round(sum(colour) / 3)


def _rotate(picture: Picture, degrees: float, look: Look) -> Picture:
    resample = RESAMPLING[look[0]]
    return picture.rotate(degrees, resample, fillcolor=_fill(picture, look))


def _affine(matrix: Callable[[float], tuple[float, ...]]) -> Operation:
    """Return an operation whose output pixels come from `matrix @ (x, y, 1)`."""

    def move(picture: Picture, value: float, look: Look) -> Picture:
        return picture.transform(
            picture.size,
            Image.Transform.AFFINE,
            matrix(value),
            resample=RESAMPLING[look[0]],
            fillcolor=_fill(picture, look),
        )

    return move


def _enhance(enhancer: Any) -> Operation:
    return lambda picture, change, _: enhancer(picture).enhance(1 + change)


def _point(value_of: Callable[[int, float], int]) -> Operation:
    """Return an operation that maps each of the 256 values to another one."""

    def change(picture: Picture, value: float, _: Look) -> Picture:
        table = [value_of(pixel, value) for pixel in range(256)]
        return picture.point(table * len(picture.getbands()))

    return change


OPERATIONS: dict[str, Operation] = {
    # These have no value.
    "identity": lambda picture, *_: picture,
    "auto_contrast": lambda picture, *_: ImageOps.autocontrast(picture),
    "equalize": lambda picture, *_: ImageOps.equalize(picture),
    "invert": lambda picture, *_: ImageOps.invert(picture),
    # Bits to keep; Pillow's own refuses 0, which gives black.
    "posterize": _point(lambda pixel, bits: pixel & -(1 << 8 - int(bits))),
    # The value from which on pixels are inverted.
    "solarize": lambda picture, least, _: ImageOps.solarize(picture, math.ceil(least)),
    # What is added to pixels in the lower half.
    "solarize_add": _point(
        lambda pixel, more: min(255, pixel + int(more)) if pixel < 128 else pixel
    ),
    # The change, from -1, which takes all colour (contrast, light, edges) away.
    "color": _enhance(ImageEnhance.Color),
    "contrast": _enhance(ImageEnhance.Contrast),
    "brightness": _enhance(ImageEnhance.Brightness),
    "sharpness": _enhance(ImageEnhance.Sharpness),
    # Degrees against the clock.
    "rotate": _rotate,
    # Pixels to the left per row, upwards per column.
    "shear_x": _affine(lambda factor: (1, factor, 0, 0, 1, 0)),
    "shear_y": _affine(lambda factor: (1, 0, 0, factor, 1, 0)),
    # Pixels to the left, upwards.
    "translate_x": _affine(lambda pixels: (1, 0, pixels, 0, 1, 0)),
    "translate_y": _affine(lambda pixels: (1, 0, 0, 0, 1, pixels)),
}
