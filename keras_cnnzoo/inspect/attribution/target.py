"""Which class a map is to explain."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

#: A class for all images, one for each, or None: each image's own top class.
Target: TypeAlias = int | Sequence[int] | np.ndarray | None


def one_hot(target: Target, images: int, classes: int) -> np.ndarray:
    """Return one row per image: 1 at its class, or all 0 where it is its own top class.

    Raises:
        TypeError: The target is no integer, nor integers.
        ValueError: A class is not in `0..classes - 1`, or there is not one per image.

    Example:
        >>> one_hot([2, 0], images=2, classes=3)
        array([[0., 0., 1.],
               [1., 0., 0.]], dtype=float32)
    """
    rows = np.zeros((images, classes), "float32")
    if target is None:
        return rows
    chosen = np.asarray(target)
    if not np.issubdtype(chosen.dtype, np.integer):
        raise TypeError(
            "`target` is a class's number, one number per image, or None for each "
            f"image's own top class. Received: {target!r}"
        )
    if chosen.shape not in ((), (images,)):
        raise ValueError(
            f"`target` is one number, or one for each of the {images} images. "
            f"Received an array of shape {chosen.shape}."
        )
    if chosen.min(initial=0) < 0 or chosen.max(initial=0) >= classes:
        raise ValueError(
            f"`target` is in 0..{classes - 1}: the model answers with {classes} "
            f"numbers. Received: {target!r}"
        )
    rows[np.arange(images), chosen] = 1
    return rows
