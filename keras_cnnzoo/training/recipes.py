"""How to train which model on which data: recipes as rows of a table."""

import fnmatch
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras

from keras_cnnzoo.data import AUGMENTATIONS, Augmentation
from keras_cnnzoo.data.idx import is_idx_folder


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything about a training that is neither the model nor the data.

    Args:
        epochs: Passes over the training images.
        batch_size: Images in a step.
        optimizer: "adamw", or "sgd" with Nesterov's momentum 0.9.
        learning_rate: The highest, reached after the warm-up; from there it falls
            along half a cosine to zero.
        warmup: Share of all steps in which the learning rate rises from zero.
        weight_decay: As the optimizer takes it; biases and the scales and offsets
            of normalisation are left out.
        augment: What changes the training images, or None.
        fit: How images come to the model's size; see `keras_cnnzoo.data.load`.
        validation: Share, or number, of training images to choose the best epoch by.
        source: Where the numbers come from.
    """

    epochs: int = 30
    batch_size: int = 32
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = 1e-3
    warmup: float = 0.05
    weight_decay: float = 1e-2
    augment: Augmentation | None = None
    fit: str = "resize"
    validation: float | int = 0.1
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"`{name}` must be positive. Received: {value}")

    def make_optimizer(self, steps: int) -> keras.optimizers.Optimizer:
        """Make the optimizer of a training of `steps` steps in all."""
        rising = round(self.warmup * steps)
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0 if rising else self.learning_rate,
            decay_steps=max(1, steps - rising),
            warmup_target=self.learning_rate if rising else None,
            warmup_steps=rising,
        )
        optimizer = _OPTIMIZERS[self.optimizer](schedule, self.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return optimizer


def _sgd(schedule: Any, weight_decay: float) -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(
        schedule, momentum=0.9, nesterov=True, weight_decay=weight_decay
    )


def _adamw(schedule: Any, weight_decay: float) -> keras.optimizers.Optimizer:
    return keras.optimizers.AdamW(schedule, weight_decay=weight_decay)


_OPTIMIZERS = {"sgd": _sgd, "adamw": _adamw}

#: Model pattern, name of the data, recipe. The first row that fits is taken.
RECIPES: tuple[tuple[str, str, Recipe], ...] = (
    (
        "lenet5*",
        "mnist",
        Recipe(
            epochs=20,
            batch_size=128,
            learning_rate=4e-3,
            augment=AUGMENTATIONS["digits"],
            # The paper centres 28x28 images in 32x32.
            fit="pad",
            validation=5000,
            source="LeCun et al. 1998, section III: distorted training images",
        ),
    ),
    (
        "*",
        "mnist",
        Recipe(epochs=12, batch_size=128, augment=AUGMENTATIONS["digits"], fit="pad"),
    ),
    ("*", "digits", Recipe(learning_rate=3e-3, augment=AUGMENTATIONS["digits"])),
    ("*", "*", Recipe()),
)


def find_recipe(model: str, data: str) -> Recipe:
    """Return the recipe for a model's name and a data set's.

    Args:
        model: As `keras_cnnzoo.build` takes it.
        data: Name of the data set; one without a recipe gets the general one.
    """
    return next(
        recipe
        for for_model, for_data, recipe in RECIPES
        if fnmatch.fnmatchcase(model, for_model) and fnmatch.fnmatchcase(data, for_data)
    )


def dataset_name(data: Any) -> str:
    """Name a data set, as recipes and run folders do, before it is loaded.

    A folder of idx files is "mnist" wherever it lies: that is what the format is
    for, and its kin (Fashion-MNIST, KMNIST) train alike.
    """
    if not isinstance(data, str | os.PathLike):
        return "arrays"
    path = Path(data).expanduser()
    if path.is_dir():
        return "mnist" if is_idx_folder(path) else path.resolve().name
    # Names of tensorflow-datasets may go on with a configuration and a version.
    return path.stem if path.is_file() else re.split("[:/]", str(data))[0]


def named_recipe(model: str, name: str) -> Recipe:
    """Return the recipe for a model that goes by a data set's name.

    Raises:
        ValueError: No recipe of the table goes by that name.
    """
    names = sorted({data for _, data, _ in RECIPES} - {"*"})
    if name not in names:
        raise ValueError(
            f"No recipe is named {name!r}. Recipes: {', '.join(names)}. Leave it out "
            "for the one that suits the data."
        )
    return find_recipe(model, name)
