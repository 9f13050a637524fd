"""Train a model by name, and write a folder with its weights, settings and results."""

import dataclasses
import os
import sys
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
from keras_cnnzoo.training.fitting import compile_model, fit_and_score
from keras_cnnzoo.training.folder import Run
from keras_cnnzoo.training.inputs import (
    check_classifier,
    load_to_train,
    start_weights,
)
from keras_cnnzoo.training.recipes import (
    Recipe,
    dataset_name,
    find_recipe,
    named_recipe,
)

#: What the data or `train` itself decide, and no override can.
DECIDED = ("input_shape", "classes", "features", "pooling", "classifier_activation")
FROZEN_AND_RANDOM = (
    "the frozen layers have random weights, so that the rest learns from features that "
    "nobody trained. Give start weights, or do not freeze."
)


def train(  # noqa: PLR0913 - each is a choice that users make by name
    name: str,
    data: Any = "digits",
    *,
    recipe: Recipe | str | None = None,
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
    """Train a classifier by name, and leave a run folder behind.

    After every epoch whose validation accuracy is the best so far the model is
    saved. The best one is scored on the test images at the end; where the data has
    none, on the validation images. With one seed two runs on one machine are equal.

    The first Ctrl-C or SIGTERM ends the epoch early, keeps what is best, and raises;
    a loss that is not finite does the same. What makes a training useless, such as
    the same answer to every image, is said in one line while it happens, and stands
    among the results.

    Args:
        name: A model of `keras_cnnzoo.list_models()`.
        data: As `keras_cnnzoo.data.load` takes it.
        recipe: A recipe, or the name of one; None takes what suits model and data.
        out: The run folder, new or empty; None makes `runs/<model>-<data>-<n>`.
        seed: Decides start weights, order, augmentation and the validation set.
        epochs: In place of the recipe's.
        batch_size: In place of the recipe's.
        learning_rate: In place of the recipe's.
        image_size: Height and width in pixels that images are brought to; None
            takes the model's own.
        weights: Start weights, as `keras_cnnzoo.build` takes them, or the folder of a
            run, whose best model they are then.
        freeze: True trains the head alone; a layer's name, what comes from it on.
            See `keras_cnnzoo.training.freeze`. Where start weights are given and
            nothing is frozen, all but the head trains at the recipe's `body_rate`.
        class_names: Names to show for the classes, in their order or in a file, as
            `keras_cnnzoo.data.load` takes them.
        console: Where progress is shown; None takes the standard output.
        **overrides: Options of the model, as `keras_cnnzoo.build` takes them.

    Returns:
        The run, with `model`, `results` and `folder`.

    Raises:
        ValueError: No such model, data or recipe, or they do not fit together.
        TypeError: The model has no such option.
        OSError: The run folder cannot be written; found before training.
        TrainingStopped: The training ended early. Its `run` has the best model.
    """
    began = datetime.now(UTC)
    arguments = {
        "model": name,
        "data": _plain(data),
        "image_size": image_size,
        "weights": _plain(weights),
        "freeze": freeze,
        "overrides": overrides,
    }
    if decided := [option for option in DECIDED if option in overrides]:
        raise TypeError(f"`{decided[0]}` is decided by the data, and cannot be set.")
    check_classifier(name)
    source = datasets.open_source(data)
    chosen = _choose(name, data, recipe, photographs=source.are_photographs)
    changes: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    chosen = dataclasses.replace(chosen, **given)

    keras.utils.set_random_seed(seed)
    weights = start_weights(weights)
    splits = load_to_train(
        name,
        source,
        chosen,
        image_size=image_size,
        seed=seed,
        weights=weights,
        names=class_names or names_beside(data, source.class_names),
    )
    model = zoo.build(
        name,
        input_shape=splits.image_shape,
        classes=len(splits.class_names),
        weights=weights,
        **overrides,
    )
    notes = []
    if freeze is not False:
        transfer.freeze(model, None if freeze is True else freeze)
        if weights is None:
            notes.append(FROZEN_AND_RANDOM)
    fine_tunes = weights is not None and freeze is False and chosen.body_rate != 1
    steps, classes = len(splits.split("train")), len(splits.class_names)
    compile_model(model, chosen, steps, classes, fine_tunes=fine_tunes)

    folder = folders.make_folder(out, name, dataset_name(data))
    run = Run(
        folder,
        {
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
            "seed": seed,
            "arguments": arguments,
            "recipe": dataclasses.asdict(chosen),
            "images": {
                **dataclasses.asdict(splits.adapter),  # type: ignore[arg-type]
                **{split: s.num_examples for split, s in splits.sets.items()},
                "left_out": len(splits.skipped),
            },
            "class_names": splits.class_names,
            "display_names": splits.display_names,
            "backend": keras.backend.backend(),
            "versions": folders.versions(),
            "began": began.isoformat(timespec="seconds"),
            "results": None,
        },
    )
    folders.write_config(folder, run.config)
    shown = console or Console(highlight=False, markup=False, soft_wrap=True)
    return fit_and_score(run, model, splits, shown, notes)


def _plain(value: Any) -> Any:
    """Return what stands for an argument in a text file."""
    if isinstance(value, tuple) and all(
        isinstance(v, str | os.PathLike) for v in value
    ):
        return [_plain(v) for v in value]
    if isinstance(value, str | os.PathLike):
        path = Path(value).expanduser()
        return str(path.resolve()) if path.exists() else str(value)
    return value if value is None else type(value).__name__


def _choose(
    name: str, data: Any, recipe: Recipe | str | None, *, photographs: bool
) -> Recipe:
    if isinstance(recipe, Recipe):
        return recipe
    if recipe is not None:
        return named_recipe(name, recipe)
    return find_recipe(name, dataset_name(data), photographs=photographs)
