"""Random augmentation of images, determined by numbers drawn for each image."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from keras_cnnzoo.data.adapt import Box
from keras_cnnzoo.data.examples import Window
from keras_cnnzoo.data.policies import RandAugment, TrivialAugmentWide

#: One uniform number in 0..1 for each of these, for every image and epoch.
DRAWN = (
    *("right", "down", "rotate", "zoom", "shear", "flip"),
    *("crop_x", "crop_y", "cut_x", "cut_y", "area", "ratio", "box_x", "box_y"),
)
COLUMN = {name: column for column, name in enumerate(DRAWN)}
# Aspect ratios of a random resized crop, as in the Inception papers.
RATIOS = (3 / 4, 4 / 3)


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes to images, drawn anew for every image and epoch.

    A setting of 0 switches its change off. Pixels from outside the image are black.

    Args:
        shift: Largest shift along each axis, in pixels or, below 1, as a fraction of
            the side.
        rotate: Largest rotation in either direction, in degrees.
        zoom: Largest change of scale in either direction; 0.1 scales by 0.9 to 1.1.
        shear: Largest shear angle in either direction, in degrees.
        flip: Whether each image is flipped from left to right with probability 1/2.
            "alternate" does so in the first epoch, and after it flips exactly those
            images that were not flipped in the epoch before.
        crop_pad: Width in pixels of a black border that is added before a random crop
            to the former size, as in the papers on CIFAR.
        area: Smallest and largest fraction of the original image's area that a random
            crop keeps, with an aspect ratio from 3:4 to 4:3, before it is resized.
        randaugment: Random operations of one magnitude on 8-bit images, after the flip,
            or None.
        trivialaugment: One random operation of random strength on 8-bit images, after
            the flip, or None.
        cutout: Side in pixels of a square that is set to black.
        repeats: How often each image of an epoch is in it, one after another and
            augmented differently. The epoch keeps its length, so it has fewer images.
            Only where images are shuffled.

    Raises:
        ValueError: A number is negative or too large to leave an image, or two settings
            exclude each other.

    Source:
        He et al., "Deep Residual Learning for Image Recognition", 2015, section 4.2
        (`crop_pad=4, flip=True`); Szegedy et al., "Going Deeper with Convolutions",
        2014, section 6 (`area=(0.08, 1)`; here a crop larger than the image is limited
        to the image); DeVries and Taylor, "Improved Regularization of Convolutional
        Neural Networks with Cutout", 2017; Jordan, "94% on CIFAR-10 in 3.29 Seconds on
        a Single GPU", 2024, section 3.6 (`flip="alternate"`); Hoffer et al., "Augment
        Your Batch: Improving Generalization Through Instance Repetition", 2020, with
        the sampling of Berman et al., "MultiGrain", 2019, section 3.2 (`repeats`).
    """

    shift: float = 0
    rotate: float = 0
    zoom: float = 0
    shear: float = 0
    flip: bool | Literal["alternate"] = False
    crop_pad: int = 0
    area: tuple[float, float] | None = None
    randaugment: RandAugment | None = None
    trivialaugment: TrivialAugmentWide | None = None
    cutout: int = 0
    repeats: int = 1

    def __post_init__(self) -> None:
        limits = {
            "shift": math.inf,
            "rotate": 180,
            "zoom": 0.9,
            "shear": 80,
            "crop_pad": math.inf,
            "cutout": math.inf,
        }
        for name, limit in limits.items():
            if not 0 <= getattr(self, name) <= limit:
                raise ValueError(
                    f"`{name}` is from 0 to {limit}. Received: {getattr(self, name)}"
                )
        if self.area is not None and not 0 < self.area[0] <= self.area[1] <= 1:
            raise ValueError(
                "`area` is the smallest and the largest share, above 0 and up to 1. "
                f"Received: {self.area}"
            )
        if self.flip not in (True, False, "alternate"):
            raise ValueError(
                f"`flip` is True, False or 'alternate'. Received: {self.flip!r}"
            )
        if self.repeats < 1:
            raise ValueError(f"`repeats` is at least 1. Received: {self.repeats}")
        if self.flip == "alternate" and self.repeats > 1:
            raise ValueError(
                "`flip='alternate'` is for images that are in every epoch once; leave "
                f"`repeats` out. Received: {self.repeats}"
            )
        if self.randaugment is not None and self.trivialaugment is not None:
            raise ValueError("Choose `randaugment` or `trivialaugment`, not both.")

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw the random numbers for `count` images, `(count, numbers)`."""
        return rng.random((count, len(DRAWN)), np.float32)

    def window(self, draws: np.ndarray) -> Window | None:
        """Return a function that gives each image's crop; None if there is no crop."""
        if self.area is None:
            return None
        least, most = self.area

        def box(place: int, height: int, width: int) -> Box:
            drawn = dict(zip(DRAWN, draws[place].tolist(), strict=True))
            area = height * width * (least + (most - least) * drawn["area"])
            low, high = map(math.log, RATIOS)
            ratio = math.exp(low + (high - low) * drawn["ratio"])
            wide = min(width, max(1.0, math.sqrt(area * ratio)))
            high_ = min(height, max(1.0, math.sqrt(area / ratio)))
            left = drawn["box_x"] * (width - wide)
            top = drawn["box_y"] * (height - high_)
            return left, top, left + wide, top + high_

        return box

    @property
    def policy(self) -> RandAugment | TrivialAugmentWide | None:
        """What chooses operations for each image, or None."""
        return self.randaugment or self.trivialaugment

    def apply(
        self, images: np.ndarray, draws: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Augment a batch.

        Args:
            images: uint8 or float32 `(n, height, width, channels)`, which the result is
                too; may be changed in place.
            draws: For each image, its row of the result of `draw`.
            rng: Determines what `randaugment` and `trivialaugment` do.

        Raises:
            TypeError: They are for 8-bit images, and these are others.
        """
        if self.shift or self.rotate or self.zoom or self.shear:
            warped = warp(
                images.astype(np.float32, copy=False),
                self._matrices(images.shape[1:3], draws),
            )
            if images.dtype == np.uint8:
                np.rint(warped, out=warped)
            images = warped.astype(images.dtype, copy=False)
        if self.crop_pad:
            images = self._cropped(images, draws)
        if self.flip:
            flipped = draws[:, COLUMN["flip"]] < 0.5
            images[flipped] = images[flipped, :, ::-1]
        if self.policy is not None:
            images = np.stack([self.policy(image, rng) for image in images])
        if self.cutout:
            images = self._cut(images, draws)
        return images

    def _matrices(self, size: tuple[int, int], draws: np.ndarray) -> np.ndarray:
        """Return `(n, 2, 3)` affine maps from output to input pixel positions."""
        signed = 2 * draws.astype(np.float64) - 1
        sides = np.asarray(size, float)
        reach = self.shift * sides if self.shift < 1 else np.full(2, self.shift)
        angle = np.radians(self.rotate) * signed[:, COLUMN["rotate"]]
        slant = np.tan(np.radians(self.shear) * signed[:, COLUMN["shear"]])
        scale = 1 / (1 + self.zoom * signed[:, COLUMN["zoom"]])
        cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
        # Rows and columns are y and x; shear moves x in proportion to y.
        matrices = np.empty((len(draws), 2, 3))
        matrices[:, 0, :2] = np.stack([cos + sin * slant, sin], axis=-1)
        matrices[:, 1, :2] = np.stack([cos * slant - sin, cos], axis=-1)
        centre = (sides - 1) / 2
        moved = signed[:, [COLUMN["down"], COLUMN["right"]]] * reach
        matrices[:, :, 2] = centre - matrices[:, :, :2] @ centre - moved
        return matrices

    def _cropped(self, images: np.ndarray, draws: np.ndarray) -> np.ndarray:
        pad, (count, height, width, _) = self.crop_pad, images.shape
        border = ((0, 0), (pad, pad), (pad, pad), (0, 0))
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(images, border), (height, width), axis=(1, 2)
        )
        top, left = (
            (draws[:, COLUMN[name]] * (2 * pad + 1)).astype(int)
            for name in ("crop_y", "crop_x")
        )
        return np.moveaxis(windows[np.arange(count), top, left], 1, -1).copy()

    def _cut(self, images: np.ndarray, draws: np.ndarray) -> np.ndarray:
        keeps = []
        for name, side in zip(("cut_y", "cut_x"), images.shape[1:3], strict=True):
            first = np.floor(draws[:, COLUMN[name]] * side) - self.cutout // 2
            place = np.arange(side) - first[:, None]
            keeps.append((place < 0) | (place >= self.cutout))
        outside = keeps[0][:, :, None] | keeps[1][:, None, :]
        return images * outside[..., None]


def warp(images: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Warp a batch by affine maps with bilinear interpolation; the outside is black.

    Args:
        images: float32 `(n, height, width, channels)`.
        matrices: `(n, 2, 3)`; the output pixel at `(y, x)` comes from the input
            position `matrix @ (y, x, 1)`.
    """
    count, height, width, channels = images.shape
    # Positions outside the image are clipped to this black border of one pixel.
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    flat = padded.reshape(-1, channels) if channels > 1 else padded.reshape(-1)
    stride = width + 2
    matrices = matrices.astype(np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None, :]

    def place(axis: int, side: int) -> tuple[np.ndarray, np.ndarray]:
        by_row, by_column, start = matrices[:, axis, :, None, None].swapaxes(0, 1)
        exact = by_row * rows + by_column * columns + (start + 1)
        np.clip(exact, 0, side + 1, out=exact)
        whole = np.minimum(exact.astype(np.int32), side)
        exact -= whole
        return whole, exact

    y, down = place(0, height)
    x, right = place(1, width)
    corner = y
    corner *= stride
    corner += x
    corner += (np.arange(count, dtype=np.int32) * (height + 2) * stride)[:, None, None]
    if channels > 1:
        down, right = down[..., None], right[..., None]

    def taken(offset: int) -> np.ndarray:
        return flat.take(corner + offset, axis=0)

    upper = taken(0)
    upper += (taken(1) - upper) * right
    lower = taken(stride)
    lower += (taken(stride + 1) - lower) * right
    upper += (lower - upper) * down
    return upper.reshape(images.shape)


#: Augmentations by name.
AUGMENTATIONS: dict[str, Augmentation] = {
    # Handwritten and printed digits vary in place, size and slant, but not mirrored.
    "digits": Augmentation(shift=0.06, rotate=10, zoom=0.1, shear=8),
    "cifar": Augmentation(crop_pad=4, flip=True),
    "imagenet": Augmentation(area=(0.08, 1.0), flip=True),
}


def named(augment: Any) -> Any:
    """Return the augmentation of that name; other augmentations are returned as given.

    Raises:
        ValueError: No augmentation has that name.
        TypeError: It is neither a name nor callable.
    """
    if isinstance(augment, str):
        if augment not in AUGMENTATIONS:
            raise ValueError(
                f"No augmentation is named {augment!r}. Names: "
                f"{', '.join(AUGMENTATIONS)}."
            )
        return AUGMENTATIONS[augment]
    if augment is None or isinstance(augment, Augmentation) or callable(augment):
        return augment
    raise TypeError(
        "`augment` is None, a name, an Augmentation, a Keras layer, or a function of "
        f"(images, rng). Received: {augment!r}"
    )
