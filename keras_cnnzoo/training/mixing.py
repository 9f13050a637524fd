"""Mixup and CutMix of batches with class numbers."""

import math
from dataclasses import dataclass

import numpy as np

from keras_cnnzoo.axes import spatial, spatial_axes

#: First and last row, first and last column of a box; the last ones are outside.
Box = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class Mixing:
    """Mixes each batch with itself in reverse order: images, and labels likewise.

    Mixup blends two images; CutMix pastes a box of one into the other. All images of a
    batch have the same share or box. Labels become rows of probabilities, which
    `CrossEntropy` and `FocalLoss` take.

    Args:
        mixup: Concentration of the beta distribution of a blended image's share; 0
            switches mixup off. At 0.2 most shares are near 0 or 1, at 1 all are alike.
        cutmix: The same for the share of a box; 0 switches CutMix off.
        switch: Probability of CutMix in place of mixup, if both are on.
        probability: Share of the batches that are mixed. The labels of the others
            become rows all the same.
        smoothing: Part of every label that is spread evenly over all classes.
        data_format: "channels_last" or "channels_first"; None takes the configured one.

    Raises:
        ValueError: A number is out of its range, or both kinds are off.

    Example:
        >>> mixing = Mixing(mixup=0.2, cutmix=1.0)
        >>> images, labels = np.zeros((4, 8, 8, 3), np.uint8), np.array([0, 1, 2, 2])
        >>> images, rows = mixing(images, labels, 3, np.random.default_rng(0))
        >>> images.dtype, rows.shape
        (dtype('uint8'), (4, 3))

    Source:
        Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2017, section 2; Yun
        et al., "CutMix", 2019, section 3.1. As in timm's `Mixup` for whole batches, the
        share of a box is what remains of it inside the image.
    """

    mixup: float = 0.2
    cutmix: float = 1.0
    switch: float = 0.5
    probability: float = 1.0
    smoothing: float = 0.1
    data_format: str | None = None

    def __post_init__(self) -> None:
        for name, limit in (
            ("mixup", math.inf),
            ("cutmix", math.inf),
            ("switch", 1),
            ("probability", 1),
            ("smoothing", 1),
        ):
            if not 0 <= getattr(self, name) <= limit:
                raise ValueError(
                    f"`{name}` is from 0 to {limit}. Received: {getattr(self, name)}"
                )
        if not self.mixup and not self.cutmix:
            raise ValueError("`mixup` and `cutmix` are both 0, so nothing is mixed.")

    def __call__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        classes: int,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mix a batch.

        Args:
            images: A batch of images, in any dtype. It is not changed.
            labels: The class number of each image.
            classes: Number of classes.
            rng: Determines the mix.

        Returns:
            Images of the same shape and dtype, and float32 rows `(n, classes)`.

        Raises:
            ValueError: The labels are not class numbers of these images.
        """
        rows = smooth_rows(labels, classes, self.smoothing)
        if len(rows) != len(images):
            raise ValueError(f"{len(images)} images have {len(rows)} labels.")
        share, box = self.draw(rng, spatial(images.shape, self.data_format))
        if share == 1:
            return images, rows
        if box is None:
            images = blend(images, share)
        else:
            images = paste(images, box, self.data_format)
        return images, share * rows + (1 - share) * rows[::-1]

    def draw(
        self, rng: np.random.Generator, size: tuple[int, int]
    ) -> tuple[float, Box | None]:
        """Draw a mix: the share that each image keeps, and the box of CutMix.

        Args:
            rng: The source of the numbers.
            size: Height and width of the images.
        """
        if rng.random() >= self.probability:
            return 1.0, None
        cuts = bool(self.cutmix)
        if self.mixup and self.cutmix:
            cuts = rng.random() < self.switch
        if not cuts:
            return rng.beta(self.mixup, self.mixup), None
        share = rng.beta(self.cutmix, self.cutmix)
        box = draw_box(rng, size, share)
        top, bottom, left, right = box
        inside = (bottom - top) * (right - left) / math.prod(size)
        return 1 - inside, box


def smooth_rows(labels: np.ndarray, classes: int, smoothing: float) -> np.ndarray:
    """Return class numbers as float32 rows of probabilities.

    Raises:
        ValueError: The labels are not class numbers.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            "`labels` are one class number per image. Received: "
            f"{labels.dtype} of shape {labels.shape}"
        )
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(
            f"`labels` are from 0 to {classes - 1}, one less than `classes`. Received: "
            f"{labels.min()} to {labels.max()}"
        )
    rows = np.full((len(labels), classes), smoothing / classes, np.float32)
    rows[np.arange(len(labels)), labels] += 1 - smoothing
    return rows


def draw_box(rng: np.random.Generator, size: tuple[int, int], share: float) -> Box:
    """Draw a box with a uniform centre, cut off at the image's edge.

    Args:
        rng: The source of the numbers.
        size: Height and width of the image.
        share: Part of the image that stays outside the box, if nothing is cut off.
    """
    edges = []
    for side in size:
        cut = int(side * math.sqrt(1 - share))
        centre = int(rng.integers(side))
        edges += [max(0, centre - cut // 2), min(side, centre + (cut + 1) // 2)]
    top, bottom, left, right = edges
    return top, bottom, left, right


def blend(images: np.ndarray, share: float) -> np.ndarray:
    """Return `share` of each image plus the rest of its partner in reverse order."""
    mixed = np.empty_like(images)
    # One image at a time stays in the processor's cache.
    for place, image, partner in zip(mixed, images, images[::-1], strict=True):
        sums = image * np.float32(share)
        sums += partner * np.float32(1 - share)
        place[...] = np.rint(sums) if images.dtype.kind in "iu" else sums
    return mixed


def paste(images: np.ndarray, box: Box, data_format: str | None = None) -> np.ndarray:
    """Return images with a box from their partners in reverse order."""
    top, bottom, left, right = box
    place: list[slice] = [slice(None)] * images.ndim
    rows, columns = spatial_axes(data_format)
    place[rows], place[columns] = slice(top, bottom), slice(left, right)
    mixed = images.copy()
    mixed[tuple(place)] = images[::-1][tuple(place)]
    return mixed
