"""Build and compile a model with the precision, optimizer and schedule of a recipe."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras

from keras_cnnzoo.inspect import count_macs
from keras_cnnzoo.training.averaging import AverageWeights
from keras_cnnzoo.training.freezing import head_paths
from keras_cnnzoo.training.losses import BinaryCrossEntropy, CrossEntropy, FocalLoss
from keras_cnnzoo.training.metrics import Accuracy, BalancedAccuracy
from keras_cnnzoo.training.optimizer_table import make_optimizer
from keras_cnnzoo.training.optimizers import layer_rates
from keras_cnnzoo.training.recipe import Recipe
from keras_cnnzoo.training.schedules import make_schedule
from keras_cnnzoo.training.settings import OptimizerSettings

#: On TensorFlow, a step of fewer multiply-accumulates than SMALL_STEP takes little
#: longer than the overhead of `fit` per call, so STEPS_AT_ONCE run in one call. On JAX
#: this gains nothing.
SMALL_STEP, STEPS_AT_ONCE = 5e8, 16


def compile_model(
    model: keras.Model, recipe: Recipe, steps: int, classes: int, *, fine_tunes: bool
) -> None:
    """Compile a classifier with the settings of a recipe.

    Args:
        model: A model that outputs probabilities.
        recipe: The training settings.
        steps: Steps in an epoch.
        classes: Number of classes.
        fine_tunes: Whether the layers before the head train at the recipe's
            `body_rate`.
    """
    at_once = 1
    one_size = recipe.images.train_size is None
    if keras.backend.backend() == "tensorflow" and one_size:
        small = count_macs(model) * recipe.batch_size < SMALL_STEP
        at_once = min(STEPS_AT_ONCE, steps) if small else 1
    schedule = make_schedule(recipe, recipe.total_steps(steps))
    rates = rates_of(recipe.optimizer, model, fine_tunes=fine_tunes)
    model.compile(
        make_optimizer(recipe.optimizer, schedule, rates),
        make_loss(recipe),
        metrics=[Accuracy() if recipe.mix else "accuracy", BalancedAccuracy(classes)],
        steps_per_execution=at_once,
    )


def rates_of(
    settings: OptimizerSettings, model: keras.Model, *, fine_tunes: bool
) -> Mapping[str, float] | None:
    """Return a recipe's factors on the learning rate, by the paths of weights."""
    if settings.layer_decay is not None:
        return layer_rates(model, settings.layer_decay)
    if fine_tunes:
        return {"": settings.body_rate} | dict.fromkeys(head_paths(model), 1.0)
    return None


def activation_of(recipe: Recipe) -> str:
    """Return the activation of a classifier's output that fits the loss of a recipe."""
    return "sigmoid" if recipe.loss.binary else "softmax"


def make_loss(recipe: Recipe) -> Any:
    """Make the loss of a recipe, for a model that outputs `activation_of(recipe)`."""
    smoothing, gamma = recipe.loss.label_smoothing, recipe.loss.focal_gamma
    if recipe.loss.binary:
        return BinaryCrossEntropy(
            label_smoothing=smoothing, target_threshold=recipe.loss.target_threshold
        )
    if gamma:
        return FocalLoss(gamma, label_smoothing=smoothing)
    if smoothing or recipe.mix:
        return CrossEntropy(label_smoothing=smoothing)
    return "sparse_categorical_crossentropy"


def make_average(recipe: Recipe) -> AverageWeights | None:
    """Make the callback that averages the weights, if a recipe asks for it."""
    if recipe.ema is None:
        return None
    return AverageWeights(**dataclasses.asdict(recipe.ema))


def make_callbacks(recipe: Recipe) -> list[Any]:
    """Make the callbacks that a recipe asks for."""
    if recipe.stop is None:
        return []
    return [
        keras.callbacks.EarlyStopping(
            "val_accuracy", patience=recipe.stop.patience, mode="max"
        )
    ]
