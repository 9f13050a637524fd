"""The sections of a recipe, such as its optimizer, as typed settings."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

#: Sides of images that grow are multiples of SIDES pixels between first and last.
SIDES = 16


@dataclass(frozen=True, kw_only=True)
class RecipeClaim:
    """A figure that somebody else published for a recipe; nothing measured here.

    Attributes:
        model: The model that reached it.
        metric: What was measured, such as "CIFAR-10 test error, %".
        value: The figure.
        source: Link to where it is published.
    """

    model: str
    metric: str
    value: float
    source: str


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """The optimizer of a recipe.

    A setting that the optimizer does not have is refused. None takes Keras's default.

    Args:
        name: "sgd", "adamw", "lamb", "lion", "rmsprop", or "muon", which takes the
            kernels of convolutions, and leaves all other weights to AdamW.
        learning_rate: The highest learning rate; the schedule says when.
        weight_decay: Weight decay as in the optimizer's paper and in PyTorch: for
            "sgd" and "rmsprop" it is added to the gradient (L2 regularisation), for
            "lamb" to the step before its length is set, and for the others it is
            multiplied by the learning rate and subtracted from the weights (decoupled).
        decay_all: Whether the decay acts on biases, and on the scales and offsets of
            normalisation layers, too.
        momentum: For "sgd", "rmsprop" and "muon".
        nesterov: Whether "sgd" or "muon" uses Nesterov momentum.
        beta_1: For "adamw", "lamb", "lion", and AdamW in "muon".
        beta_2: For the same.
        rho: Decay of the average of squared gradients of "rmsprop".
        epsilon: For "adamw", "lamb", "rmsprop", and AdamW in "muon".
        adam_lr_ratio: Factor on the learning rate for what "muon" leaves to AdamW.
        clip_norm: Largest norm of all gradients together; larger ones are scaled down
            to it, before the weight decay is added.
        accumulate: Steps whose gradients are averaged before the weights change.
        body_rate: Factor on the learning rate for all layers but the head, so that
            pretrained layers change slowly. It applies if start weights are given and
            nothing is frozen.
        layer_decay: Factor on the learning rate from each stage to the one before it,
            in place of `body_rate`, and whatever the start weights are. See
            `keras_cnnzoo.training.layer_rates`.

    Raises:
        ValueError: A number is out of range, or the optimizer has no such setting.
    """

    name: Literal["sgd", "adamw", "lamb", "lion", "rmsprop", "muon"] = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    decay_all: bool = False
    momentum: float | None = None
    nesterov: bool | None = None
    beta_1: float | None = None
    beta_2: float | None = None
    rho: float | None = None
    epsilon: float | None = None
    adam_lr_ratio: float | None = None
    clip_norm: float | None = None
    accumulate: int = 1
    body_rate: float = 0.1
    layer_decay: float | None = None

    #: The settings that only some of the optimizers have.
    OWN: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "sgd": ("momentum", "nesterov"),
        "adamw": ("beta_1", "beta_2", "epsilon"),
        "lamb": ("beta_1", "beta_2", "epsilon"),
        "lion": ("beta_1", "beta_2"),
        "rmsprop": ("rho", "momentum", "epsilon"),
        "muon": (
            *("momentum", "nesterov", "beta_1", "beta_2", "epsilon", "adam_lr_ratio"),
        ),
    }
    KIND: ClassVar[str] = "name"

    def __post_init__(self) -> None:
        check_own(self, "optimizer")
        for name in (
            *("learning_rate", "body_rate", "epsilon", "clip_norm", "adam_lr_ratio"),
        ):
            check(self, f"optimizer.{name}", "positive", positive)
        for name in ("momentum", "beta_1", "beta_2", "rho"):
            check(self, f"optimizer.{name}", "from 0 to below 1", below_1)
        check(self, "optimizer.weight_decay", "0 or positive", finite)
        check(self, "optimizer.layer_decay", "above 0, up to 1", lambda n: 0 < n <= 1)
        check(self, "optimizer.accumulate", "at least 1", lambda n: n >= 1)


@dataclass(frozen=True, kw_only=True)
class ScheduleSettings:
    """The learning rate over the training.

    The rate rises along a line, stays, and then falls as `kind` says. Lengths and
    `milestones` below 1 are shares of the training; from 1 on they are epochs, or steps
    if the recipe counts steps. The learning rate is set anew at every step.

    Args:
        kind: "cosine" falls along half a cosine, "linear" along a line; "step"
            multiplies the rate at each milestone; "constant" does not change it.
        warmup: Length of the rise.
        warmup_from: Where the rise begins, as a share of the learning rate.
        hold: Length for which the rate stays at its highest, before it falls.
        floor: Where "cosine" and "linear" end, as a share of the learning rate.
        milestones: When "step" changes the rate.
        factor: What "step" multiplies the rate by, once or for each milestone.

    Raises:
        ValueError: A number is out of range, or the kind has no such setting.
    """

    kind: Literal["cosine", "linear", "step", "constant"] = "cosine"
    warmup: float = 0.0
    warmup_from: float = 0.0
    hold: float = 0.0
    floor: float = 0.0
    milestones: tuple[float, ...] = ()
    factor: float | tuple[float, ...] = 0.1

    OWN: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "cosine": ("hold", "floor"),
        "linear": ("hold", "floor"),
        "step": ("milestones", "factor"),
        "constant": (),
    }
    KIND: ClassVar[str] = "kind"

    def __post_init__(self) -> None:
        check_own(self, "schedule")
        for name in ("warmup", "hold"):
            check(self, f"schedule.{name}", "0 or positive", finite)
        for name in ("warmup_from", "floor"):
            check(self, f"schedule.{name}", "from 0 to 1", lambda n: 0 <= n <= 1)
        if (self.kind == "step") != bool(self.milestones):
            raise ValueError('`schedule.milestones` is what kind = "step" needs.')
        if not all(map(positive, self.factors)):
            raise ValueError(
                f"`schedule.factor` must be positive. Received: {self.factor}"
            )
        if len(self.factors) != len(self.milestones):
            raise ValueError(
                f"`schedule.factor` has {len(self.factors)} numbers for "
                f"{len(self.milestones)} milestones; give one for all, or one for each."
            )

    @property
    def factors(self) -> tuple[float, ...]:
        """The factor at each milestone."""
        if isinstance(self.factor, tuple):
            return self.factor
        return (self.factor,) * len(self.milestones)


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """How images become the model's input.

    Args:
        fit: How images are resized; see `keras_cnnzoo.data.load`. "card" crops and
            interpolates as the start weights' source or the model's card says.
        crop: Share of each side that the central crop keeps, for "crop" and "squash".
        size: Height and width in pixels, one number or two; None takes the model's
            default.
        train_size: Side in pixels of the training images, where it differs from `size`.
            Two numbers are the sides in the first and in the last epoch; it grows in
            between, along a line, rounded to multiples of 16. The model is then built
            for images of any size.
        flip_test: Whether the test images are scored by the mean of the probabilities
            for each image and its mirror image.

    Raises:
        ValueError: A size or the share is out of range, or `fit` does not use it.
    """

    fit: Literal["resize", "pad", "crop", "squash", "card"] = "resize"
    size: int | tuple[int, int] | None = None
    crop: float = 0.875
    train_size: int | tuple[int, int] | None = None
    flip_test: bool = False

    #: The settings that only some of the fits have.
    OWN: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "resize": (),
        "pad": (),
        "card": (),
        "crop": ("crop",),
        "squash": ("crop",),
    }
    KIND: ClassVar[str] = "fit"

    def __post_init__(self) -> None:
        check_own(self, "images")
        check(self, "images.crop", "above 0, up to 1", lambda n: 0 < n <= 1)
        for name in ("size", "train_size"):
            value = getattr(self, name)
            sides = value if isinstance(value, tuple) else (value,)
            if value is not None and min(sides) < 1:
                raise ValueError(f"`images.{name}` must be positive. Received: {value}")

    def train_sizes(self, epochs: int) -> tuple[int, ...]:
        """Return the side of the training images in each epoch; () for `size`.

        Example:
            >>> ImageSettings(train_size=(96, 128)).train_sizes(5)
            (96, 96, 112, 128, 128)
        """
        if self.train_size is None:
            return ()
        if isinstance(self.train_size, int):
            return (self.train_size,)
        first, last = self.train_size
        steps = max(epochs - 1, 1)
        grown = (first + (last - first) * e / steps for e in range(1, epochs - 1))
        between = (SIDES * round(side / SIDES) for side in grown)
        return (first, *between, last)[-epochs:]


@dataclass(frozen=True, kw_only=True)
class StopSettings:
    """When a training ends before its last epoch.

    Args:
        patience: Epochs without a better validation accuracy.

    Raises:
        ValueError: The patience is not positive.
    """

    patience: int

    def __post_init__(self) -> None:
        check(self, "stop.patience", "at least 1", lambda n: n >= 1)


def foreign(kind: Any, choice: str) -> set[str]:
    """Return the settings that other choices of a section have, and this one not."""
    return {name for names in kind.OWN.values() for name in names} - set(
        kind.OWN.get(choice, ())
    )


def check_own(settings: Any, section: str) -> None:
    """Check that a section has no setting that is only for another choice."""
    choice = getattr(settings, settings.KIND)
    if choice not in settings.OWN:
        raise ValueError(
            f"`{section}.{settings.KIND}` is one of {', '.join(settings.OWN)}. "
            f"Received: {choice!r}"
        )
    defaults = {field.name: field.default for field in dataclasses.fields(settings)}
    for name in sorted(foreign(settings, choice)):
        if getattr(settings, name) != defaults[name]:
            owners = [k for k, names in settings.OWN.items() if name in names]
            raise ValueError(
                f"`{section}.{name}` does nothing with {settings.KIND} = {choice!r}; "
                f"it is for {', '.join(map(repr, owners))}."
            )


def check(
    settings: Any, key: str, allowed: str, is_allowed: Callable[[Any], bool]
) -> None:
    """Check a number by its dotted name, unless it is None."""
    value = getattr(settings, key.rpartition(".")[2])
    if value is not None and not is_allowed(value):
        raise ValueError(f"`{key}` must be {allowed}. Received: {value}")


def positive(value: float) -> bool:
    """Tell whether a number is above 0 and finite."""
    return 0 < value < math.inf


def finite(value: float) -> bool:
    """Tell whether a number is 0 or above, and finite."""
    return 0 <= value < math.inf


def below_1(value: float) -> bool:
    """Tell whether a number is from 0 to below 1."""
    return 0 <= value < 1
