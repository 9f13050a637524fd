"""A recipe: everything that a training sets beside its model and its data."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from keras_cnnzoo.data import Augmentation
from keras_cnnzoo.training.regularisation import (
    AverageSettings,
    EraseSettings,
    LossSettings,
    MixSettings,
)
from keras_cnnzoo.training.settings import (
    ImageSettings,
    OptimizerSettings,
    RecipeClaim,
    ScheduleSettings,
    StopSettings,
    check,
    finite,
    foreign,
    positive,
)
from keras_cnnzoo.training.typed import read, unknown_name

#: What describes a recipe, and is no setting of a training.
ABOUT = ("name", "source", "models", "data", "by_name", "claims")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Training settings: epochs, optimizer, schedule, augmentation and others.

    A TOML file holds the same fields, its sections those of the settings inside.

    Args:
        name: Its name, for `train(recipe=...)`. A file's is that of the file.
        source: Where the settings come from, with a link.
        models: Patterns of the names of models that it is for, such as "wrn_*".
        data: Patterns of the names of data sets that it is for. A recipe with both is
            chosen by itself for what they match; the more special one wins.
        by_name: Whether it is used only if its name is given, whatever they match.
        claims: Figures that others published for it.
        epochs: Passes over the training images.
        steps: Number of batches, in place of `epochs`; the last epoch is finished.
        batch_size: Images per batch.
        precision: "float32"; "bfloat16" or "float16" for mixed precision, with float32
            weights, and with a loss scale for "float16". None takes Keras's
            configuration.
        validation: Fraction, or number, of the training images that are set apart to
            choose the best epoch, if the data have no validation images.
        optimizer: The optimizer.
        schedule: The learning rate over the training.
        loss: The loss.
        images: How images become the model's input.
        augment: The augmentation of the training images, or None.
        erase: Boxes that are erased in them, or None.
        mix: How they are mixed with each other, or None.
        ema: The average of the weights that is kept in their place, or None.
        recalibrate: Batches from which the statistics of batch normalisation are
            computed anew for the model that is kept, after the training; 0 for none.
            See `keras_cnnzoo.training.recalibrate`.
        stop: When to stop early, or None for never.
        model: Options of the model, as for `keras_cnnzoo.build`.

    Raises:
        ValueError: A number is out of range, or numbers contradict each other.
        TypeError: A section is of another type.

    Example:
        >>> recipe = Recipe(epochs=3).replace({"optimizer.learning_rate": 0.1})
        >>> recipe.optimizer.learning_rate
        0.1
    """

    name: str = ""
    source: str = ""
    models: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    by_name: bool = False
    claims: tuple[RecipeClaim, ...] = ()
    epochs: int = 30
    steps: int | None = None
    batch_size: int = 32
    precision: Literal["float32", "bfloat16", "float16"] | None = None
    validation: int | float = 0.1
    optimizer: OptimizerSettings = dataclasses.field(default_factory=OptimizerSettings)
    schedule: ScheduleSettings = dataclasses.field(default_factory=ScheduleSettings)
    images: ImageSettings = dataclasses.field(default_factory=ImageSettings)
    augment: Augmentation | None = None
    erase: EraseSettings | None = None
    mix: MixSettings | None = None
    loss: LossSettings = dataclasses.field(default_factory=LossSettings)
    ema: AverageSettings | None = None
    recalibrate: int = 0
    stop: StopSettings | None = None
    model: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("epochs", "steps", "batch_size"):
            check(self, name, "positive", positive)
        for name in ("validation", "recalibrate"):
            check(self, name, "0 or positive", finite)
        kinds = {
            "optimizer": OptimizerSettings,
            "schedule": ScheduleSettings,
            "images": ImageSettings,
            "augment": Augmentation | None,
            "erase": EraseSettings | None,
            "mix": MixSettings | None,
            "loss": LossSettings,
            "ema": AverageSettings | None,
            "stop": StopSettings | None,
            "model": Mapping,
        }
        for name, kind in kinds.items():
            if not isinstance(getattr(self, name), kind):
                raise TypeError(
                    f"`{name}` is of type {getattr(kind, '__name__', kind)}. "
                    f"Received: {getattr(self, name)!r}"
                )
        if self.steps and isinstance(self.images.train_size, tuple):
            raise ValueError(
                "`images.train_size` grows from epoch to epoch, and this recipe counts "
                f"steps. Give `epochs`, or one size. Received: {self.images.train_size}"
            )
        schedule = self.schedule
        if self.share(schedule.warmup) + self.share(schedule.hold) >= 1:
            raise ValueError(
                f"`schedule.warmup` and `schedule.hold` take up the whole training of "
                f"{self.length}. Shorten them, or train for longer."
            )
        shares = [self.share(milestone) for milestone in schedule.milestones]
        if shares != sorted(set(shares)) or not all(0 < s < 1 for s in shares):
            raise ValueError(
                f"`schedule.milestones` rise, within the training of {self.length}. "
                f"Received: {list(schedule.milestones)}"
            )

    @property
    def length(self) -> str:
        """The length of the training in words, such as "30 epochs"."""
        return counted(
            *((self.steps, "step") if self.steps else (self.epochs, "epoch"))
        )

    def share(self, length: float) -> float:
        """Return a length of the schedule as a share of the whole training."""
        return length if length < 1 else length / (self.steps or self.epochs)

    def total_steps(self, steps: int) -> int:
        """Return the number of steps that the schedule is for.

        Args:
            steps: Steps in an epoch.
        """
        return self.steps or self.epochs * steps

    def whole_epochs(self, steps: int) -> "Recipe":
        """Return the recipe with the epochs that its steps need.

        Args:
            steps: Steps in an epoch.

        Raises:
            ValueError: The gradients would be accumulated beyond the last step.
        """
        if self.optimizer.accumulate > self.total_steps(steps):
            raise ValueError(
                f"`optimizer.accumulate` is {self.optimizer.accumulate}, and the whole "
                f"training has {counted(self.total_steps(steps), 'step')}: no weight "
                "would change. Lower it, or train for longer."
            )
        if self.steps is None:
            return self
        return dataclasses.replace(self, epochs=math.ceil(self.steps / steps))

    def replace(self, changes: Mapping[str, Any]) -> "Recipe":
        """Return a recipe with other settings.

        Another optimizer, kind of schedule or fit of images drops what it has no
        setting for, and `epochs` replaces `steps`.

        Args:
            changes: New values by dotted name, such as `{"optimizer.momentum": 0.9}`.
                None switches `augment`, `erase`, `mix`, `ema` and `stop` off, and
                restores Keras's default elsewhere.

        Raises:
            ValueError: A name is unknown, or a value is out of range or of another
                type.

        Example:
            >>> Recipe().replace({"augment.flip": True}).augment.flip
            True
        """
        plain = self.to_dict()
        for key, value in changes.items():
            if key.partition(".")[0] in ABOUT:
                raise ValueError(f"`{key}` describes a recipe, and is no setting.")
            _put(plain, key, value)
        if "epochs" in changes and "steps" not in changes:
            plain["steps"] = None
        for section, kind in (
            ("optimizer", OptimizerSettings),
            ("schedule", ScheduleSettings),
            ("images", ImageSettings),
        ):
            if f"{section}.{kind.KIND}" in changes:
                for name in foreign(kind, plain[section][kind.KIND]):
                    if f"{section}.{name}" not in changes:
                        plain[section].pop(name, None)
        return Recipe.from_dict(plain)

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain data, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Recipe":
        """Make a recipe from plain data, as from TOML or JSON.

        Raises:
            ValueError: A field is unknown, of another type, or out of range. The
                message names it, and those of similar names.
        """
        recipe: Recipe = read(cls, plain)
        return recipe


def counted(number: int, thing: str) -> str:
    """Return a number with its unit, such as "1 epoch" or "64,000 steps"."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _put(plain: dict[str, Any], key: str, value: Any) -> None:
    """Put a value into nested dictionaries; sections that are None are made."""
    *sections, name = key.split(".")
    for section in sections:
        inside = plain.get(section)
        inside = {} if inside is None else inside
        if not isinstance(inside, dict):
            raise ValueError(unknown_name(Recipe, key))
        plain[section] = plain = inside
    plain[name] = value
