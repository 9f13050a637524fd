"""Load data with the image size and channels that a model takes."""

import os
from pathlib import Path
from typing import Any

from keras_cnnzoo import data as datasets
from keras_cnnzoo import registry
from keras_cnnzoo.axes import channels_last_shape
from keras_cnnzoo.cards import Preprocessing
from keras_cnnzoo.data.adapt import Adapter
from keras_cnnzoo.training.batch_changes import batch_changes
from keras_cnnzoo.training.folder import CONFIG, Run
from keras_cnnzoo.training.recipe import Recipe
from keras_cnnzoo.weights.resolve import resolve


def check_classifier(name: str) -> None:
    """Check that a model is a classifier, which `train` requires.

    Raises:
        ValueError: There is no such model, or it is not a classifier.
    """
    task = registry.card(name).task
    if task != "classification":
        raise ValueError(
            f"{name!r} is a model for {task}, but only classifiers can be trained. "
            "They are listed by list_models(task='classification')."
        )


def start_weights(weights: Any) -> Any:
    """Return start weights for `build`; for a run's folder, its best model's file."""
    if isinstance(weights, str | os.PathLike):
        folder = Path(weights).expanduser()
        if (folder / CONFIG).is_file():
            return str(Run.open(folder).model_file)
    return weights


def preprocessing_of(name: str, weights: Any) -> Preprocessing:
    """Return the preprocessing of a model's weights, or else of its card."""
    source = None if weights is None else resolve(name, weights)
    return (source and source.preprocessing) or registry.card(name).preprocessing


def load_to_train(
    name: str,
    data: Any,
    recipe: Recipe,
    *,
    seed: int = 0,
    weights: Any = None,
    names: Any = None,
) -> datasets.Splits:
    """Load data for a model, and check that it can be trained on them.

    Args:
        name: A model of `keras_cnnzoo.list_models()`.
        data: As for `keras_cnnzoo.data.load`.
        recipe: Sets how images are batched, augmented and resized.
        seed: Determines the order, the augmentation and the validation set.
        weights: Start weights, whose source may determine how images are resized.
        names: Names of the classes for display, as for `keras_cnnzoo.data.load`.

    Raises:
        ValueError: There is no such model or data, a split is missing, or the data
            have only one class.
    """
    height, width, channels = channels_last_shape(registry.card(name).input_shape)
    size: Any = recipe.images.size
    if size is None and None not in (height, width):
        size = (height, width)
    fit: Any = preprocessing_of(name, weights)
    if recipe.images.fit != "card":
        # `load` replaces size and channels by those of the images.
        fit = Adapter((1, 1), 1, recipe.images.fit, recipe.images.crop)
    source = datasets.open_source(data)
    splits = datasets.load(
        source,
        image_size=size,
        channels=channels,
        fit=fit,
        batch_size=recipe.batch_size,
        augment=recipe.augment,
        mix=batch_changes(recipe, len(source.class_names)),
        validation=recipe.validation,
        seed=seed,
        class_names=names,
        train_sizes=recipe.images.train_sizes(recipe.epochs),
    )
    _check_splits(splits, recipe.validation)
    if splits.targets.kind != "class":
        raise ValueError(
            f"{splits.name!r} has {splits.targets}, and `train` is for one class per "
            "image. Use `model.fit` for them, or load them with targets='class'."
        )
    if len(splits.class_names) < 2:
        raise ValueError(
            f"{splits.name!r} has only one class, {splits.class_names[0]!r}, but a "
            "classifier needs at least two."
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
    why = f"validation={validation} selects none of its {count:,} training images"
    if validation:
        why += ", or no class has an image to spare"
    raise ValueError(
        f"{splits.name!r} has no images for validation: {why}. They are needed to "
        "choose the best epoch. Add images, preferably ten or more of each class, or "
        "add a split 'validation' beside 'train'."
    )
