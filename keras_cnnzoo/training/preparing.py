"""Load the data and build the model of a training, new or resumed."""

from dataclasses import dataclass
from typing import Any

import keras

from keras_cnnzoo import zoo
from keras_cnnzoo.axes import channels_last_shape, image_shape
from keras_cnnzoo.data import Splits
from keras_cnnzoo.internals.seeding import seed_everything
from keras_cnnzoo.training import freezing
from keras_cnnzoo.training.class_weights import balanced_class_weights
from keras_cnnzoo.training.compiling import activation_of, compile_model, precision_of
from keras_cnnzoo.training.devices import Devices
from keras_cnnzoo.training.inputs import load_to_train, start_weights
from keras_cnnzoo.training.recipe import Recipe

FROZEN_AND_RANDOM = (
    "the frozen layers have random weights, so that the rest learns from features that "
    "nobody trained. Give start weights, or do not freeze."
)


@dataclass(frozen=True)
class Prepared:
    """Everything that a training needs.

    Attributes:
        model: The model, compiled.
        splits: The data.
        recipe: The recipe, with whole epochs.
        fine_tunes: Whether the layers before the head train at the `body_rate`.
        notes: Sentences on problems that are known before the first step.
        devices: Where it computes.
    """

    model: keras.Model
    splits: Splits
    recipe: Recipe
    fine_tunes: bool
    notes: tuple[str, ...]
    devices: Devices

    @property
    def class_weights(self) -> dict[int, float] | None:
        """The weight of each class in the loss; None for the same for all."""
        if self.recipe.loss.class_weights is None:
            return None
        labels = self.splits.split("train").labels()
        return balanced_class_weights(labels, len(self.splits.class_names))

    def compile(self, rate: float = 1.0) -> None:
        """Compile the model anew.

        Args:
            rate: Factor on the recipe's learning rate.
        """
        slower = {"optimizer.learning_rate": self.recipe.optimizer.learning_rate * rate}
        with self.devices.scope():
            compile_model(
                self.model,
                self.recipe.replace(slower),
                len(self.splits.split("train")),
                len(self.splits.class_names),
                fine_tunes=self.fine_tunes,
            )


def prepare(
    name: str,
    source: Any,
    recipe: Recipe,
    *,
    seed: int,
    weights: Any,
    freeze: bool | str,
    class_names: Any,
    devices: Devices,
) -> Prepared:
    """Load the data and build the model; see `keras_cnnzoo.training.train`."""
    seed_everything(seed)
    weights = start_weights(weights)
    splits = load_to_train(
        name, source, recipe, seed=seed, weights=weights, names=class_names
    )
    recipe = recipe.whole_epochs(len(splits.split("train")))
    devices.check(recipe.batch_size)
    shape = splits.image_shape
    if recipe.images.train_size is not None:
        shape = image_shape((None, None, channels_last_shape(shape)[-1]))
    with precision_of(recipe), devices.scope():
        model = zoo.build(
            name,
            input_shape=shape,
            classes=len(splits.class_names),
            weights=weights,
            classifier_activation=activation_of(recipe),
            **recipe.model,
        )
    notes: tuple[str, ...] = ()
    if freeze is not False:
        freezing.freeze(model, None if freeze is True else freeze)
        if weights is None:
            notes = (FROZEN_AND_RANDOM,)
    slow = recipe.optimizer.body_rate != 1
    fine_tunes = weights is not None and freeze is False and slow
    return Prepared(model, splits, recipe, fine_tunes, notes, devices)
