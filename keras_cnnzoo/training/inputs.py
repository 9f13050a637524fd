"""Data as a model takes them: its size, its channels, its task."""

from typing import Any

import keras

from keras_cnnzoo import data as datasets
from keras_cnnzoo import registry
from keras_cnnzoo.training.recipes import Recipe


def channels_last(shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Return `(height, width, channels)` of an image shape in the configured order."""
    if keras.config.image_data_format() == "channels_last":
        return shape
    depth, *size = shape
    return (*size, depth)


def load_to_train(
    name: str, data: Any, recipe: Recipe, image_size: int | None, seed: int
) -> datasets.Splits:
    """Load data for a model, and check that it can be trained on them.

    Args:
        name: A model of `keras_cnnzoo.list_models()`.
        data: As `keras_cnnzoo.data.load` takes it.
        recipe: Says how the images are batched, augmented and fitted.
        image_size: Height and width in pixels; None takes the model's own.
        seed: Decides order, augmentation and the validation set.

    Raises:
        ValueError: No such model or data, the model is no classifier, or a split is
            missing.
    """
    card = registry.card(name)
    if card.task != "classification":
        raise ValueError(
            f"{name!r} is for {card.task}, and this trains classifiers. They are "
            "listed by list_models(task='classification')."
        )
    height, width, channels = channels_last(card.input_shape)
    size: Any = image_size
    if size is None and None not in (height, width):
        size = (height, width)
    splits = datasets.load(
        data,
        image_size=size,
        channels=channels,
        fit=recipe.fit,
        batch_size=recipe.batch_size,
        augment=recipe.augment,
        validation=recipe.validation,
        seed=seed,
    )
    _check_splits(splits, recipe.validation)
    if len(splits.class_names) < 2:
        raise ValueError(
            f"{splits.name!r} has one class only, {splits.class_names[0]!r}, and a "
            "classifier tells at least two apart."
        )
    return splits


def _check_splits(splits: datasets.Splits, validation: float | int) -> None:
    if splits.train is None:
        raise ValueError(
            f"{splits.name!r} has no images for training. It has: "
            f"{', '.join(splits.sets)}. Name a split 'train', or give images without "
            "splits."
        )
    if splits.validation is not None:
        return
    count = splits.train.num_examples
    why = f"{validation} of its {count:,} training images is none"
    if validation:
        why += ", or no class has one to spare"
    raise ValueError(
        f"{splits.name!r} has no images for validation: {why}. The best epoch is "
        "chosen by them. Add images, best ten or more of each class, or add a split "
        "'validation' beside 'train'."
    )
