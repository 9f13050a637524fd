"""Train a model by name, and write a folder with its weights, settings and results."""

import dataclasses
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
from rich.console import Console

from keras_cnnzoo import data as datasets
from keras_cnnzoo import zoo
from keras_cnnzoo.data.names import names_beside
from keras_cnnzoo.training import folder as folders
from keras_cnnzoo.training import transfer
from keras_cnnzoo.training.choosing import DECIDED, as_changes, choose_recipe
from keras_cnnzoo.training.compiling import (
    compile_model,
    make_callbacks,
    precision_of,
)
from keras_cnnzoo.training.fitting import fit_and_score
from keras_cnnzoo.training.folder import Run
from keras_cnnzoo.training.inputs import (
    check_classifier,
    load_to_train,
    start_weights,
)
from keras_cnnzoo.training.plan import describe
from keras_cnnzoo.training.recipe import Recipe
from keras_cnnzoo.training.recipes import dataset_name

FROZEN_AND_RANDOM = (
    "the frozen layers have random weights, so that the rest learns from features that "
    "nobody trained. Give start weights, or do not freeze."
)


def train(  # noqa: PLR0913 - each is a choice that users make by name
    name: str,
    data: Any = "digits",
    *,
    recipe: Recipe | str | os.PathLike[str] | None = None,
    set: Mapping[str, Any] | None = None,
    out: str | os.PathLike[str] | None = None,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    image_size: int | None = None,
    weights: Any = None,
    freeze: bool | str = False,
    class_names: Any = None,
    console: Console | None = None,
    **overrides: Any,
) -> Run:
    """Train a classifier by name, and write a run folder.

    The model is saved after every epoch whose validation accuracy is the best so far.
    The best one is evaluated on the test images at the end or, without test images, on
    the validation images. Two runs with the same seed on one machine are equal.

    The first Ctrl-C or SIGTERM ends the epoch early, keeps the best model, and raises
    `TrainingStopped`; a loss that is not finite does the same. Problems that make the
    training useless, such as the same prediction for every image, are reported in one
    line as they occur, and again in the results.

    Args:
        name: A model of `keras_cnnzoo.list_models()`.
        data: As for `keras_cnnzoo.data.load`.
        recipe: A recipe, its name, or the path of its `.toml` file; None chooses by
            model and data.
        set: Changes to the recipe by dotted name, such as
            `{"optimizer.learning_rate": 0.1}`, and options of the model.
        out: The run folder, new or empty; None makes `runs/<model>-<data>-<n>`.
        seed: Determines initial weights, order, augmentation and the validation set.
        epochs: Replaces the recipe's.
        batch_size: Replaces the recipe's.
        learning_rate: Replaces the recipe's.
        image_size: Height and width of the resized images in pixels; None takes the
            model's default.
        weights: Start weights, as for `keras_cnnzoo.build`, or the folder of a run, to
            start from its best model.
        freeze: True trains only the head; a layer's name trains that layer and all
            after it. See `keras_cnnzoo.training.freeze`. If start weights are given
            and nothing is frozen, all layers but the head train at the recipe's
            `body_rate`.
        class_names: Names of the classes for display, in order or in a file, as for
            `keras_cnnzoo.data.load`.
        console: Where progress is shown; None takes the standard output.
        **overrides: Options of the model, as for `keras_cnnzoo.build`.

    Returns:
        The run, with `model`, `results` and `folder`.

    Raises:
        ValueError: There is no such model, data set or recipe, or they do not fit
            together.
        TypeError: The model has no such option.
        OSError: The run folder cannot be written; this is checked before training.
        TrainingStopped: The training ended early. Its `run` has the best model.
    """
    began = datetime.now(UTC)
    arguments = {
        "model": name,
        "data": _plain(data),
        "weights": _plain(weights),
        "freeze": freeze,
    }
    if decided := [option for option in DECIDED if option in overrides]:
        raise TypeError(f"`{decided[0]}` is decided by the data, and cannot be set.")
    check_classifier(name)
    source = datasets.open_source(data)
    chosen = choose_recipe(name, data, recipe, photographs=source.are_photographs)
    short = {
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer.learning_rate": learning_rate,
        "images.size": image_size,
    }
    chosen = chosen.replace(
        {key: value for key, value in short.items() if value is not None}
        | {f"model.{key}": value for key, value in overrides.items()}
        | as_changes(name, set or {})
    )

    keras.utils.set_random_seed(seed)
    weights = start_weights(weights)
    splits = load_to_train(
        name,
        source,
        chosen,
        seed=seed,
        weights=weights,
        names=class_names or names_beside(data, source.class_names),
    )
    steps, classes = len(splits.split("train")), len(splits.class_names)
    chosen = chosen.whole_epochs(steps)
    with precision_of(chosen):
        model = zoo.build(
            name,
            input_shape=splits.image_shape,
            classes=classes,
            weights=weights,
            **chosen.model,
        )
    notes = []
    if freeze is not False:
        transfer.freeze(model, None if freeze is True else freeze)
        if weights is None:
            notes.append(FROZEN_AND_RANDOM)
    slow = chosen.optimizer.body_rate != 1
    fine_tunes = weights is not None and freeze is False and slow
    compile_model(model, chosen, steps, classes, fine_tunes=fine_tunes)

    folder = folders.make_folder(out, name, dataset_name(data))
    run = Run(
        folder,
        {
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
            "seed": seed,
            "arguments": arguments,
            "recipe": chosen.to_dict(),
            "images": {
                **dataclasses.asdict(splits.adapter),  # type: ignore[arg-type]
                **{split: s.num_examples for split, s in splits.sets.items()},
                "left_out": len(splits.skipped),
            },
            "class_names": splits.class_names,
            "display_names": splits.display_names,
            "backend": keras.backend.backend(),
            "dtype_policy": model.dtype_policy.name,
            "versions": folders.versions(),
            "began": began.isoformat(timespec="seconds"),
            "results": None,
        },
    )
    folders.write_config(folder, run.config)
    shown = console or Console(highlight=False, markup=False, soft_wrap=True)
    shown.print(describe(run, chosen, model, splits, fine_tunes=fine_tunes))
    return fit_and_score(run, model, splits, shown, notes, make_callbacks(chosen))


def _plain(value: Any) -> Any:
    """Return an argument's value for a JSON file."""
    if isinstance(value, tuple) and all(
        isinstance(v, str | os.PathLike) for v in value
    ):
        return [_plain(v) for v in value]
    if isinstance(value, str | os.PathLike):
        path = Path(value).expanduser()
        return str(path.resolve()) if path.exists() else str(value)
    return value if value is None else type(value).__name__
