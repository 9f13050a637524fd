"""Images as a person sees them, whatever a model is fed with."""

from typing import Any

import numpy as np


def as_picture(image: Any) -> np.ndarray:
    """Return an image of `(height, width, channels)` as uint8, grey or RGB.

    Pixels of 0..255 stay as they are and those of 0..1 are multiplied by 255; others
    are stretched from their lowest to their highest value. More than three channels
    show the first three, two their mean.

    Args:
        image: `(height, width)`, `(height, width, channels)`, or a batch of one.

    Raises:
        ValueError: It is no single image.

    Example:
        >>> as_picture(np.array([[[-1.0], [1.0]]])).ravel().tolist()
        [0, 255]
    """
    pixels = np.nan_to_num(np.asarray(image, "float64"))
    if pixels.ndim == 4 and len(pixels) == 1:
        pixels = pixels[0]
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3:
        raise ValueError(
            "One image is (height, width) or (height, width, channels). Received an "
            f"array of shape {np.shape(image)}."
        )
    low, high = pixels.min(), pixels.max()
    if low < 0 or high > 255:
        pixels = (pixels - low) * (255 / max(high - low, 1e-12))
    elif high <= 1:
        pixels = pixels * 255
    if pixels.shape[-1] == 2:
        pixels = pixels.mean(axis=-1, keepdims=True)
    whole = np.rint(pixels[..., :3]).astype("uint8")
    return whole[..., 0] if whole.shape[-1] == 1 else whole


def brighten(values: np.ndarray, share: float = 0.005) -> np.ndarray:
    """Stretch an attribution in 0..1 so that a few highest pixels are all drawn as 1.

    One pixel that stands out would leave all others too dark to be seen.

    Args:
        values: `(height, width)`.
        share: How many pixels count as the highest.
    """
    bound = np.quantile(values, 1 - share)
    return np.clip(values / bound, 0, 1) if bound > 0 else values
