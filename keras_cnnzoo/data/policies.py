"""RandAugment and TrivialAugment: a random choice of operations for each image."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from keras_cnnzoo.data.adapt import RESAMPLING
from keras_cnnzoo.data.operations import Look, operate

#: An operation's name, its value, and the interpolation.
Step: TypeAlias = tuple[str, float, str]

#: RandAugment's operations: the value at a level from 0 to 1, for an image of a height
#: and width. All but the sign of those in EITHER_SIGN.
BY_LEVEL: dict[str, Callable[[float, int, int], float]] = {
    "auto_contrast": lambda level, height, width: 0,
    "equalize": lambda level, height, width: 0,
    "invert": lambda level, height, width: 0,
    "rotate": lambda level, height, width: 30 * level,
    "posterize": lambda level, height, width: 4 - int(4 * level),
    "solarize": lambda level, height, width: 256 - int(256 * level),
    "solarize_add": lambda level, height, width: int(110 * level),
    "color": lambda level, height, width: 0.9 * level,
    "contrast": lambda level, height, width: 0.9 * level,
    "brightness": lambda level, height, width: 0.9 * level,
    "sharpness": lambda level, height, width: 0.9 * level,
    "shear_x": lambda level, height, width: 0.3 * level,
    "shear_y": lambda level, height, width: 0.3 * level,
    "translate_x": lambda level, height, width: 0.45 * level * width,
    "translate_y": lambda level, height, width: 0.45 * level * height,
}
EITHER_SIGN = {"rotate", "color", "contrast", "brightness", "sharpness"}
EITHER_SIGN |= {"shear_x", "shear_y", "translate_x", "translate_y"}

_BINS = np.arange(31) / 30
#: TrivialAugment's operations: the values that are equally likely.
BY_BIN: dict[str, np.ndarray] = {
    "identity": np.zeros(1),
    "auto_contrast": np.zeros(1),
    "equalize": np.zeros(1),
    "rotate": 135 * _BINS,
    "posterize": 8 - np.rint(6 * _BINS),
    "solarize": 255 * (1 - _BINS),
    "color": 0.99 * _BINS,
    "contrast": 0.99 * _BINS,
    "brightness": 0.99 * _BINS,
    "sharpness": 0.99 * _BINS,
    "shear_x": 0.99 * _BINS,
    "shear_y": 0.99 * _BINS,
    "translate_x": np.trunc(32 * _BINS),
    "translate_y": np.trunc(32 * _BINS),
}


@dataclass(frozen=True, kw_only=True)
class RandAugment:
    """Applies a few random operations of one magnitude to an image.

    With its defaults it is what timm calls `rand-m9-mstd0.5-inc1`.

    Args:
        magnitude: Strength of the operations, from 0 to 10.
        deviation: Standard deviation of the magnitude, which is drawn from a normal
            distribution for each operation and kept from 0 to 10.
        count: Operations that are chosen, the same one possibly twice.
        probability: Probability that a chosen operation is applied. The paper has 1.
        fill: RGB colour outside the image, from 0 to 255; ImageNet's mean by default.

    Raises:
        ValueError: A number is out of its range.

    Example:
        >>> policy = RandAugment(magnitude=7)
        >>> image = np.zeros((32, 32, 3), np.uint8)
        >>> policy(image, np.random.default_rng(0)).shape
        (32, 32, 3)

    Source:
        Cubuk et al., "RandAugment: Practical automated data augmentation with a reduced
        search space", 2019, with timm's operations, ranges and interpolation (bilinear
        or bicubic, at random).
    """

    magnitude: float = 9
    deviation: float = 0.5
    count: int = 2
    probability: float = 0.5
    fill: tuple[int, int, int] = (124, 116, 104)

    def __post_init__(self) -> None:
        for name, limit in (
            ("magnitude", 10),
            ("deviation", np.inf),
            ("count", np.inf),
            ("probability", 1),
        ):
            if not 0 <= getattr(self, name) <= limit:
                raise ValueError(
                    f"`{name}` is from 0 to {limit}. Received: {getattr(self, name)}"
                )

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Augment one image.

        Args:
            image: uint8 `(height, width, channels)`, grey or RGB.
            rng: Determines the operations.

        Raises:
            TypeError: The image is not 8-bit grey or RGB.
        """
        height, width = image.shape[:2]
        for name, value, interpolation in self.draw(rng, height, width):
            image = operate(image, name, value, (interpolation, self.fill))
        return image

    def draw(self, rng: np.random.Generator, height: int, width: int) -> list[Step]:
        """Draw the operations for an image of a size in pixels."""
        names = list(BY_LEVEL)
        steps = []
        for index in rng.integers(len(names), size=self.count):
            # All are drawn in any case, so that no image depends on how another ended.
            applied, sign, bicubic = rng.random(3)
            magnitude = rng.normal(self.magnitude, self.deviation)
            if applied < self.probability:
                name = names[index]
                level = min(max(magnitude, 0), 10) / 10
                value = BY_LEVEL[name](level, height, width)
                if name in EITHER_SIGN and sign < 0.5:
                    value = -value
                steps.append((name, value, "bicubic" if bicubic < 0.5 else "bilinear"))
        return steps


@dataclass(frozen=True, kw_only=True)
class TrivialAugmentWide:
    """Applies one random operation of random strength to an image.

    Args:
        interpolation: "nearest", "bilinear" or "bicubic".
        fill: RGB colour outside the image, from 0 to 255; black by default.

    Raises:
        ValueError: There is no such interpolation.

    Example:
        >>> policy = TrivialAugmentWide(interpolation="bilinear")
        >>> image = np.zeros((32, 32, 3), np.uint8)
        >>> policy(image, np.random.default_rng(0)).shape
        (32, 32, 3)

    Source:
        Müller and Hutter, "TrivialAugment: Tuning-free Yet State-of-the-Art Data
        Augmentation", 2021, with torchvision's operations and ranges.
    """

    interpolation: str = "nearest"
    fill: tuple[int, int, int] = (0, 0, 0)

    def __post_init__(self) -> None:
        if self.interpolation not in RESAMPLING:
            raise ValueError(
                f"`interpolation` is one of {', '.join(map(repr, RESAMPLING))}. "
                f"Received: {self.interpolation!r}"
            )

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Augment one image, as `RandAugment` does."""
        name, value = self.draw(rng)
        look: Look = (self.interpolation, self.fill)
        return operate(image, name, value, look)

    def draw(self, rng: np.random.Generator) -> tuple[str, float]:
        """Draw an operation and its value."""
        name = list(BY_BIN)[rng.integers(len(BY_BIN))]
        value = float(rng.choice(BY_BIN[name]))
        if name in EITHER_SIGN and rng.random() < 0.5:
            value = -value
        return name, value
