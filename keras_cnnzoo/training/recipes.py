"""Recipes: a table of training settings by model and data set."""

import fnmatch
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras

from keras_cnnzoo.data import AUGMENTATIONS, Augmentation
from keras_cnnzoo.data.idx import is_idx_folder
from keras_cnnzoo.training.optimizers import with_rates


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Training settings: epochs, optimizer, learning rate, augmentation and others.

    Args:
        epochs: Passes over the training images.
        batch_size: Images per step.
        optimizer: "adamw", or "sgd" with Nesterov momentum 0.9.
        learning_rate: The highest learning rate, reached after the warm-up; then it
            decays to zero along half a cosine.
        warmup: Fraction of all steps in which the learning rate rises from zero.
        weight_decay: The optimizer's weight decay; biases and the scales and offsets
            of normalisation layers are excluded.
        body_rate: Factor on the learning rate for all layers but the head, so that
            pretrained layers change slowly. It applies if start weights are given and
            nothing is frozen.
        augment: The augmentation of the training images, or None.
        fit: How images are resized; see `keras_cnnzoo.data.load`. "card" crops and
            interpolates as the start weights' source or the model's card says.
        validation: Fraction, or number, of the training images that are set apart to
            choose the best epoch, if the data have no validation images.
        source: Where the settings come from.
    """

    epochs: int = 30
    batch_size: int = 32
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = 1e-3
    warmup: float = 0.05
    weight_decay: float = 1e-2
    body_rate: float = 0.1
    augment: Augmentation | None = None
    fit: str = "resize"
    validation: float | int = 0.1
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "body_rate"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"`{name}` must be positive. Received: {value}")

    def make_optimizer(
        self, steps: int, head: Sequence[str] | None = None
    ) -> keras.optimizers.Optimizer:
        """Make the optimizer, with its learning rate schedule.

        Args:
            steps: Total number of steps, at the end of which the learning rate is zero.
            head: Prefixes of the paths of the head's variables; all other variables
                train at `body_rate`. None trains all at the same learning rate.
        """
        rising = round(self.warmup * steps)
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0 if rising else self.learning_rate,
            decay_steps=max(1, steps - rising),
            warmup_target=self.learning_rate if rising else None,
            warmup_steps=rising,
        )
        settings: dict[str, Any] = {"weight_decay": self.weight_decay}
        if self.optimizer == "sgd":
            settings |= {"momentum": 0.9, "nesterov": True}
        optimizer = _OPTIMIZERS[self.optimizer](schedule, **settings)
        if head is not None:
            rates = {"": self.body_rate} | dict.fromkeys(head, 1.0)
            optimizer = with_rates(optimizer, rates)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return optimizer


_OPTIMIZERS: dict[str, Any] = {
    "sgd": keras.optimizers.SGD,
    "adamw": keras.optimizers.AdamW,
}

#: The recipe for photographs, if the data set has none of its own.
PHOTOGRAPHS = "photographs"

#: Model pattern, data set pattern, recipe. The first row that matches is taken.
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
    # Photographs keep their proportions, as most models' cards say.
    (
        "*",
        PHOTOGRAPHS,
        Recipe(augment=Augmentation(area=(0.35, 1.0), flip=True), fit="card"),
    ),
    ("*", "*", Recipe()),
)


def find_recipe(model: str, data: str, *, photographs: bool = False) -> Recipe:
    """Return the recipe for a model and a data set.

    Args:
        model: Name of the model.
        data: Name of the data set; without a recipe of its own, it gets the general
            one.
        photographs: Whether the general recipe is the one for photographs.
    """
    fitting = (
        (for_data, recipe)
        for for_model, for_data, recipe in RECIPES
        if fnmatch.fnmatchcase(model, for_model) and fnmatch.fnmatchcase(data, for_data)
    )
    for_data, recipe = next(fitting)
    if photographs and for_data == "*":
        return find_recipe(model, PHOTOGRAPHS)
    return recipe


def dataset_name(data: Any) -> str:
    """Return a data set's name for recipes and run folders, before it is loaded.

    Every folder of idx files is named "mnist", because MNIST introduced the format, and
    other data sets in it (Fashion-MNIST, KMNIST) need the same recipe.
    """
    if not isinstance(data, str | os.PathLike):
        return "arrays"
    path = Path(data).expanduser()
    if path.is_dir():
        return "mnist" if is_idx_folder(path) else path.resolve().name
    # In tensorflow-datasets, a configuration and a version may follow the name.
    return path.stem if path.is_file() else re.split("[:/]", str(data))[0]


def named_recipe(model: str, name: str) -> Recipe:
    """Return the recipe for a model that has the name of a data set.

    Raises:
        ValueError: No recipe has that name.
    """
    names = sorted({data for _, data, _ in RECIPES} - {"*"})
    if name not in names:
        raise ValueError(
            f"No recipe is named {name!r}. Recipes: {', '.join(names)}. Leave it out "
            "for the one that suits the data."
        )
    return find_recipe(model, name)
