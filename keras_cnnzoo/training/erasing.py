"""Random erasing: a random box of an image becomes noise or one colour."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from keras_cnnzoo.axes import spatial, spatial_axes

#: Mean and standard deviation of ImageNet's pixels, from 0 to 255.
MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
#: Boxes that are drawn until one is smaller than the image.
TRIES = 10


@dataclass(frozen=True, kw_only=True)
class Erasing:
    """Erases a random box in some images of a batch.

    Args:
        probability: Share of the images that lose a box.
        area: Smallest and largest share of the image that a box takes.
        aspect: Smallest and largest ratio of a box's height to its width.
        fill: "noise" draws each pixel and channel from a normal distribution with
            ImageNet's mean and deviation; "mean" takes ImageNet's mean colour, which is
            0 after the usual normalisation.
        data_format: "channels_last" or "channels_first"; None takes the configured one.

    Raises:
        ValueError: A setting is out of its range.

    Example:
        >>> erasing = Erasing(probability=1.0, fill="mean")
        >>> images = erasing(np.zeros((1, 8, 8, 3)), np.random.default_rng(0))
        >>> sorted(set(images[..., 0].round(3).ravel().tolist()))
        [0.0, 123.675]

    Source:
        Zhong et al., "Random Erasing Data Augmentation", 2017, algorithm 1, with the
        boxes and the noise of timm's `RandomErasing` in its modes "pixel" and "const".
    """

    probability: float = 0.25
    area: tuple[float, float] = (0.02, 1 / 3)
    aspect: tuple[float, float] = (0.3, 1 / 0.3)
    fill: Literal["noise", "mean"] = "noise"
    data_format: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError(
                f"`probability` is from 0 to 1. Received: {self.probability}"
            )
        for name, limit in (("area", 1), ("aspect", math.inf)):
            low, high = getattr(self, name)
            if not 0 < low <= high <= limit:
                raise ValueError(
                    f"`{name}` is the smallest and the largest one, above 0 and up to "
                    f"{limit}. Received: {(low, high)}"
                )
        if self.fill not in ("noise", "mean"):
            raise ValueError(f"`fill` is 'noise' or 'mean'. Received: {self.fill!r}")

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Erase boxes in a batch of images from 0 to 255.

        Args:
            images: A batch of images, in any dtype. It is not changed.
            rng: Determines the boxes and the noise.

        Returns:
            Images of the same shape and dtype.
        """
        inside = self._inside(images, rng)
        erased = images.copy()
        rows, _ = spatial_axes(self.data_format)
        last = np.moveaxis(erased, 1, -1) if rows == 2 else erased
        channels = last.shape[-1]
        mean, deviation = (
            np.asarray(values if channels == 3 else np.mean(values), np.float32)
            for values in (MEAN, DEVIATION)
        )
        pixels = np.broadcast_to(mean, (int(inside.sum()), channels))
        if self.fill == "noise":
            noise = rng.standard_normal(pixels.shape, np.float32)
            pixels = pixels + deviation * noise
        if images.dtype.kind in "iu":
            pixels = np.clip(np.rint(pixels), 0, 255)
        last[inside] = pixels
        return erased

    def _inside(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return which pixels are erased, `(n, height, width)`."""
        size = spatial(images.shape, self.data_format)
        hit = rng.random(len(images)) < self.probability
        draws = rng.random((len(images), TRIES, 2))
        sides = self._sides(draws[..., 0], draws[..., 1], size)
        fits: np.ndarray = np.all(sides < np.asarray(size), axis=-1)
        first = fits.argmax(axis=1)
        sides = sides[np.arange(len(images)), first]
        hit &= fits.any(axis=1)
        free = np.maximum(np.asarray(size) - sides + 1, 1)
        starts = (rng.random((len(images), 2)) * free).astype(int)
        spans = []
        for axis, side in enumerate(size):
            place = np.arange(side) - starts[:, axis, None]
            spans.append((place >= 0) & (place < sides[:, axis, None]))
        boxes: np.ndarray = spans[0][:, :, None] & spans[1][:, None, :]
        return boxes & hit[:, None, None]

    def _sides(
        self, areas: np.ndarray, aspects: np.ndarray, size: tuple[int, int]
    ) -> np.ndarray:
        """Return height and width of boxes for uniform numbers from 0 to 1."""
        least, most = self.area
        area = (least + (most - least) * areas) * math.prod(size)
        low, high = map(math.log, self.aspect)
        aspect = np.exp(low + (high - low) * aspects)
        sides = np.stack([np.sqrt(area * aspect), np.sqrt(area / aspect)], axis=-1)
        return np.rint(sides).astype(int)
