"""The sections of a recipe that keep a network from learning its images by heart."""

from dataclasses import dataclass
from typing import Literal

from keras_cnnzoo.training.settings import below_1, check, finite


@dataclass(frozen=True, kw_only=True)
class LossSettings:
    """The loss of a classifier: cross-entropy, and what changes it.

    Args:
        label_smoothing: Part of every label that is spread evenly over all classes;
            validation has it too. See `keras_cnnzoo.training.CrossEntropy`.
        focal_gamma: How much less images count that the model is sure of and right
            about; 0 for the plain cross-entropy. See `keras_cnnzoo.training.FocalLoss`.
        binary: Whether every class has a sigmoid and a loss of its own in place of the
            softmax. See `keras_cnnzoo.training.BinaryCrossEntropy`.
        target_threshold: Share of a mixed image above which a class counts as present,
            wholly; for `binary`. None takes the shares themselves.
        class_weights: "balanced" lets every class count the same in the loss, however
            many images it has. See `keras_cnnzoo.training.balanced_class_weights`.

    Raises:
        ValueError: A number is out of range, or two settings exclude each other.
    """

    label_smoothing: float = 0.0
    focal_gamma: float = 0.0
    binary: bool = False
    target_threshold: float | None = None
    class_weights: Literal["balanced"] | None = None

    def __post_init__(self) -> None:
        check(self, "loss.label_smoothing", "from 0 to below 1", below_1)
        check(self, "loss.focal_gamma", "0 or positive", finite)
        if self.binary and self.focal_gamma:
            raise ValueError(
                "`loss.focal_gamma` is for a softmax; leave it or `loss.binary` out."
            )
        check(self, "loss.target_threshold", "from 0 to below 1", below_1)
        if self.target_threshold is not None and not self.binary:
            raise ValueError(
                "`loss.target_threshold` does nothing without `loss.binary`."
            )


@dataclass(frozen=True, kw_only=True)
class MixSettings:
    """Mixing of training images with each other; see `keras_cnnzoo.training.Mixing`.

    Args:
        mixup: Concentration of the beta distribution of a blended image's share; 0
            switches mixup off.
        cutmix: The same for the share of a pasted box; 0 switches CutMix off.
        switch: Probability of CutMix in place of mixup, if both are on.
        probability: Share of the batches that are mixed.

    Raises:
        ValueError: A number is out of range, or both are 0.
    """

    mixup: float = 0.0
    cutmix: float = 0.0
    switch: float = 0.5
    probability: float = 1.0

    def __post_init__(self) -> None:
        for name in ("mixup", "cutmix"):
            check(self, f"mix.{name}", "0 or positive", finite)
        for name in ("switch", "probability"):
            check(self, f"mix.{name}", "from 0 to 1", lambda n: 0 <= n <= 1)
        if not self.mixup and not self.cutmix:
            raise ValueError("`mix.mixup` or `mix.cutmix` must be positive.")


@dataclass(frozen=True, kw_only=True)
class EraseSettings:
    """Erasing of boxes in training images; see `keras_cnnzoo.training.Erasing`.

    Args:
        probability: Share of the images that lose a box.
        area: Smallest and largest share of the image that a box takes.
        aspect: Smallest and largest ratio of a box's height to its width.
        fill: "noise", or "mean" for ImageNet's mean colour.

    Raises:
        ValueError: A number is out of range.
    """

    probability: float = 0.25
    area: tuple[float, float] = (0.02, 1 / 3)
    aspect: tuple[float, float] = (0.3, 1 / 0.3)
    fill: Literal["noise", "mean"] = "noise"

    def __post_init__(self) -> None:
        check(self, "erase.probability", "from 0 to 1", lambda n: 0 <= n <= 1)


@dataclass(frozen=True, kw_only=True)
class AverageSettings:
    """The average of the weights, which is validated and kept in their place.

    See `keras_cnnzoo.training.AverageWeights`.

    Args:
        decay: Share of the average that a step keeps.
        every: Steps between two updates.
        warmup: Whether the share is lower in the first steps.

    Raises:
        ValueError: A number is out of range.
    """

    decay: float = 0.9998
    every: int = 1
    warmup: bool = True

    def __post_init__(self) -> None:
        check(self, "ema.decay", "from 0 to below 1", below_1)
        check(self, "ema.every", "at least 1", lambda n: n >= 1)
