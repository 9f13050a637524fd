"""How to train which model on which data: recipes as rows of a table."""

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
from keras_cnnzoo.training.optimizers import SlowBodyAdamW, SlowBodySGD


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The settings of a training: epochs, optimizer, learning rate, augmentation.

    Args:
        epochs: Passes over the training images.
        batch_size: Images in a step.
        optimizer: "adamw", or "sgd" with Nesterov's momentum 0.9.
        learning_rate: The highest, reached after the warm-up; from there it falls
            along half a cosine to zero.
        warmup: Share of all steps in which the learning rate rises from zero.
        weight_decay: As the optimizer takes it; biases and the scales and offsets
            of normalisation are left out.
        body_rate: Share of the learning rate for all but the head, where start weights
            are given and nothing is frozen: what is learnt already is changed slowly.
        augment: What changes the training images, or None.
        fit: How images come to the model's size; see `keras_cnnzoo.data.load`. "card"
            crops and interpolates as the model's card says, or its weights' source.
        validation: Share, or number, of training images to choose the best epoch by.
        source: Where the numbers come from.
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
        """Make the optimizer of a training of `steps` steps in all.

        Args:
            steps: Decides where the learning rate falls to zero.
            head: Paths with which the head's variables begin, where all others train
                at `body_rate`; None trains all alike.
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
        plain, slow = _OPTIMIZERS[self.optimizer]
        if head is None:
            optimizer = plain(schedule, **settings)
        else:
            optimizer = slow(schedule, **settings, body_rate=self.body_rate, head=head)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return optimizer


_OPTIMIZERS: dict[str, tuple[Any, Any]] = {
    "sgd": (keras.optimizers.SGD, SlowBodySGD),
    "adamw": (keras.optimizers.AdamW, SlowBodyAdamW),
}

#: The recipe of data without one of their own whose images are photographs.
PHOTOGRAPHS = "photographs"

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
    # Photographs keep their proportions, as the models' cards have them.
    (
        "*",
        PHOTOGRAPHS,
        Recipe(augment=Augmentation(area=(0.35, 1.0), flip=True), fit="card"),
    ),
    ("*", "*", Recipe()),
)


def find_recipe(model: str, data: str, *, photographs: bool = False) -> Recipe:
    """Return the recipe for a model's name and a data set's.

    Args:
        model: As `keras_cnnzoo.build` takes it.
        data: Name of the data set; one without a recipe gets the general one.
        photographs: Whether the general one is that of photographs.
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
