"""Load the data and build the model of a training, new or resumed."""

import hashlib
import itertools
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import keras
import numpy as np

from keras_cnnzoo import registry, zoo
from keras_cnnzoo.axes import channels_last_shape, image_shape
from keras_cnnzoo.data import ImageSet, Splits
from keras_cnnzoo.internals.seeding import seed_everything
from keras_cnnzoo.precision import computing_in
from keras_cnnzoo.training import freezing
from keras_cnnzoo.training.checkpoints import Checkpoint
from keras_cnnzoo.training.class_weights import balanced_class_weights
from keras_cnnzoo.training.compiling import activation_of, compile_model
from keras_cnnzoo.training.devices import ONE, Devices
from keras_cnnzoo.training.epochs import build_state
from keras_cnnzoo.training.fine_tuning import (
    Phase,
    begin_phase,
    unfreezing,
)
from keras_cnnzoo.training.inputs import load_to_train, start_weights
from keras_cnnzoo.training.optimizers import layer_rates
from keras_cnnzoo.training.probing import feature_set
from keras_cnnzoo.training.recipe import Recipe
from keras_cnnzoo.training.resuming import data_digests
from keras_cnnzoo.training.splitting import split_head
from keras_cnnzoo.training.transfer import suited

FROZEN_AND_RANDOM = (
    "the frozen layers have random weights, so that the rest learns from features that "
    "nobody trained. Give start weights, or do not freeze."
)


class Sets:
    """What a model is trained and validated on: images, or features of them.

    Args:
        splits: The data.
        features: Computes the features, once; None leaves the images.
    """

    def __init__(self, splits: Splits, features: keras.Model | None) -> None:
        self._splits, self._features = splits, features

    @cached_property
    def train(self) -> ImageSet:
        return self._set("train")

    @cached_property
    def validation(self) -> ImageSet:
        return self._set("validation")

    def _set(self, split: str) -> ImageSet:
        images = self._splits.split(split)
        return images if self._features is None else feature_set(self._features, images)


@dataclass(frozen=True)
class Prepared:
    """Everything that a training needs.

    Attributes:
        model: The model, compiled unless only a part of it trains.
        splits: The data.
        sets: What is trained and validated on.
        recipe: The recipe, with whole epochs.
        fine_tunes: Whether the layers before the head train at the `body_rate`.
        notes: Sentences on problems that are known before the first step.
        phases: Epochs in which the same layers train on images of one size.
        features: Computes what the head takes, where the head alone trains.
        trained: What `fit` trains: the model, or its head.
        devices: Where it computes.
    """

    model: keras.Model
    splits: Splits
    sets: Sets
    recipe: Recipe
    fine_tunes: bool
    notes: tuple[str, ...]
    phases: tuple[Phase, ...]
    features: keras.Model | None
    trained: keras.Model
    devices: Devices

    @property
    def class_weights(self) -> dict[int, float] | None:
        """The weight of each class in the loss; None for the same for all."""
        if self.recipe.loss.class_weights is None:
            return None
        labels = self.splits.split("train").labels()
        return balanced_class_weights(labels, len(self.splits.class_names))

    @property
    def digests(self) -> dict[str, str]:
        """Short hashes of the data, and of the weights that make features of them."""
        found = data_digests(self.splits)
        if self.features is not None:
            # A checkpoint has the head alone.
            digest = hashlib.sha256()
            for weight in self.features.weights:
                values = np.asarray(keras.ops.convert_to_numpy(weight), order="C")
                digest.update(values.tobytes())
            found["features"] = digest.hexdigest()[:16]
        return found

    def compile(self, rate: float = 1.0) -> None:
        """Compile what trains anew.

        Args:
            rate: Factor on the recipe's learning rate.
        """
        slower = {"optimizer.learning_rate": self.recipe.optimizer.learning_rate * rate}
        with self.devices.scope():
            compile_model(
                self.trained,
                self.recipe.replace(slower),
                len(self.splits.split("train")),
                len(self.splits.class_names),
                fine_tunes=self.fine_tunes,
            )

    def begin(self, phase: Phase) -> None:
        """Make the compiled model ready for a phase."""
        decay = self.recipe.optimizer.layer_decay
        if decay is not None and self._changes(phase):
            steps = phase.begin * len(self.splits.split("train"))
            begin_phase(self.trained, phase, layer_rates(self.trained, decay), steps)

    def _changes(self, phase: Phase) -> bool:
        """Tell whether other layers train in a phase than before it."""
        before = [each.first for each in self.phases if each.end == phase.begin]
        return before != [phase.first] if before else phase.first is not None

    def matching(self, start: Checkpoint) -> Checkpoint:
        """Return a checkpoint with the optimizer that trains from there on.

        Where a phase begins, that is a new one.
        """
        begun = [
            phase
            for phase in self.phases[1:]
            if phase.begin == start.place.epoch and self._changes(phase)
        ]
        if not begun or start.place.step:
            return start
        self.begin(begun[0])
        with self.devices.scope():
            build_state(self.trained, self.devices.part(self.sets.validation))
        new = Checkpoint.of(self.trained, start.place, ()).arrays
        arrays = {k: v for k, v in start.arrays.items() if not _of_optimizer(k)}
        arrays |= {k: v for k, v in new.items() if _of_optimizer(k)}
        return replace(start, arrays=arrays)


def _of_optimizer(name: str) -> bool:
    return name.startswith("optimizer/")


def _build(name: str, recipe: Recipe, splits: Splits, weights: Any) -> keras.Model:
    shape: tuple[int | None, ...] = splits.image_shape
    if recipe.images.train_size is not None:
        shape = image_shape((None, None, channels_last_shape(shape)[-1]))
    with warnings.catch_warnings():
        # It becomes a note of the run.
        warnings.simplefilter("ignore", registry.SmallImageWarning)
        try:
            return zoo.build(
                name,
                input_shape=shape,
                classes=len(splits.class_names),
                weights=weights,
                classifier_activation=activation_of(recipe),
                **recipe.model,
            )
        except ValueError as error:
            if recipe.images.train_size is None:
                raise
            raise ValueError(
                f"{error} The network is built for images of any size, since "
                "`images.train_size` is set."
            ) from error


def prepare(  # noqa: PLR0913 - each is a choice of `train`
    name: str,
    source: Any,
    recipe: Recipe,
    *,
    seed: int,
    weights: Any = None,
    freeze: bool | str = False,
    transfer: str | None = None,
    class_names: Any = None,
    devices: Devices = ONE,
) -> Prepared:
    """Load the data and build the model; see `keras_cnnzoo.training.train`."""
    seed_everything(seed)
    recipe = suited(recipe, transfer)
    weights = start_weights(weights)
    splits = load_to_train(
        name, source, recipe, seed=seed, weights=weights, names=class_names
    )
    recipe = recipe.whole_epochs(len(splits.split("train")))
    devices.check(recipe.batch_size)
    with computing_in(recipe.precision), devices.scope():
        model = _build(name, recipe, splits, weights)
    lost = registry.lost_picture(name, model)
    notes: tuple[str, ...] = () if lost is None else (lost,)
    if freeze is not False:
        freezing.freeze(model, None if freeze is True else freeze)
        if weights is None:
            notes += (FROZEN_AND_RANDOM,)
    optimizer = recipe.optimizer
    slow = optimizer.body_rate != 1 and optimizer.layer_decay is None
    features, head = None, model
    if transfer == "probe":
        with computing_in(recipe.precision):  # by which Keras scales the loss
            features, head = split_head(model)
    return Prepared(
        model,
        splits,
        Sets(splits, features),
        recipe,
        fine_tunes=weights is not None and freeze is False and slow and not transfer,
        notes=notes,
        phases=_phases(model, recipe, gradual=transfer == "gradual"),
        features=features,
        trained=head,
        devices=devices,
    )


def _phases(model: keras.Model, recipe: Recipe, *, gradual: bool) -> tuple[Phase, ...]:
    """Divide the training where other layers train, or the images have another size."""
    epochs = recipe.epochs
    layers = unfreezing(model, epochs) if gradual else [Phase(None, 0, epochs)]
    sides = recipe.images.train_sizes(epochs)
    grown = [e for e in range(1, len(sides)) if sides[e] != sides[e - 1]]
    phases = []
    for phase in layers:
        ends = [end for end in grown if phase.begin < end < phase.end]
        for begin, end in itertools.pairwise([phase.begin, *ends, phase.end]):
            phases.append(Phase(phase.first, begin, end))
    return tuple(phases)
