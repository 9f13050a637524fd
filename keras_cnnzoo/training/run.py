"""Train a model by name, from the data to a folder that holds all there is to know."""

import dataclasses
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
from rich.console import Console

from keras_cnnzoo import zoo
from keras_cnnzoo.data import Splits
from keras_cnnzoo.inspect import count_macs, count_params
from keras_cnnzoo.training import folder as folders
from keras_cnnzoo.training import transfer
from keras_cnnzoo.training.callbacks import HistoryFile, KeepBest, StopInOrder
from keras_cnnzoo.training.evaluation import evaluate
from keras_cnnzoo.training.folder import Run
from keras_cnnzoo.training.inputs import channels_last, load_to_train
from keras_cnnzoo.training.pictures import draw_confusion, draw_curves
from keras_cnnzoo.training.progress import ProgressBar
from keras_cnnzoo.training.recipes import (
    Recipe,
    dataset_name,
    find_recipe,
    named_recipe,
)

#: What the data or `train` itself decide, and no override can.
DECIDED = ("input_shape", "classes", "features", "pooling", "classifier_activation")
#: Steps of fewer multiply-accumulates than this take hardly longer than what `fit`
#: adds to each on TensorFlow, so that several run in one call. JAX gains nothing.
SMALL_STEP, STEPS_AT_ONCE = 5e8, 16


class TrainingStopped(RuntimeError):  # noqa: N818 - Ctrl-C is no error
    """A training ended before its last epoch.

    Attributes:
        run: The run, with the best model so far if an epoch was finished.
        exit_code: What a command should end with: 128 and the signal's number, or 2.
    """

    def __init__(self, message: str, run: Run, exit_code: int) -> None:
        super().__init__(message)
        self.run = run
        self.exit_code = exit_code


def train(  # noqa: PLR0913 - each is a choice that users make by name
    name: str,
    data: Any = "digits",
    *,
    recipe: Recipe | str | None = None,
    out: str | os.PathLike | None = None,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    image_size: int | None = None,
    weights: Any = None,
    freeze: bool | str = False,
    console: Console | None = None,
    **overrides: Any,
) -> Run:
    """Train a classifier by name, and leave a run folder behind.

    After every epoch whose validation accuracy is the best so far the model is
    saved. The best one is scored on the test images at the end; where the data has
    none, on the validation images. With one seed two runs on one machine are equal.

    The first Ctrl-C or SIGTERM ends the epoch early, keeps what is best, and raises;
    a loss that is not finite does the same.

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
        weights: Start weights, as `keras_cnnzoo.build` takes them.
        freeze: True trains the head alone; a layer's name, what comes from it on.
            See `keras_cnnzoo.training.freeze`.
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
    chosen = _choose(name, data, recipe)
    changes: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    chosen = dataclasses.replace(chosen, **given)

    keras.utils.set_random_seed(seed)
    splits = load_to_train(name, data, chosen, image_size, seed)
    model = zoo.build(
        name,
        input_shape=splits.image_shape,
        classes=len(splits.class_names),
        weights=weights,
        **overrides,
    )
    if freeze is not False:
        transfer.freeze(model, None if freeze is True else freeze)
    _compile(model, chosen, len(splits.split("train")))

    folder = folders.make_folder(out, name, dataset_name(data))
    height, width, channels = channels_last(splits.image_shape)
    run = Run(
        folder,
        {
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
            "seed": seed,
            "arguments": arguments,
            "recipe": dataclasses.asdict(chosen),
            "images": {
                "size": (height, width),
                "channels": channels,
                "fit": chosen.fit,
                **{split: s.num_examples for split, s in splits.sets.items()},
                "left_out": len(splits.skipped),
            },
            "class_names": splits.class_names,
            "backend": keras.backend.backend(),
            "versions": folders.versions(),
            "began": began.isoformat(timespec="seconds"),
            "results": None,
        },
    )
    folders.write_config(folder, run.config)
    return _fit(
        run,
        model,
        splits,
        console or Console(highlight=False, markup=False, soft_wrap=True),
    )


def _plain(value: Any) -> Any:
    """Return what stands for an argument in a text file."""
    if isinstance(value, str | os.PathLike):
        path = Path(value).expanduser()
        return str(path.resolve()) if path.exists() else str(value)
    return value if value is None else type(value).__name__


def _choose(name: str, data: Any, recipe: Recipe | str | None) -> Recipe:
    if isinstance(recipe, Recipe):
        return recipe
    if recipe is not None:
        return named_recipe(name, recipe)
    return find_recipe(name, dataset_name(data))


def _compile(model: keras.Model, recipe: Recipe, steps: int) -> None:
    at_once = 1
    if keras.backend.backend() == "tensorflow":
        small = count_macs(model) * recipe.batch_size < SMALL_STEP
        at_once = min(STEPS_AT_ONCE, steps) if small else 1
    model.compile(
        recipe.make_optimizer(recipe.epochs * steps),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=at_once,
    )


def _fit(run: Run, model: keras.Model, splits: Splits, console: Console) -> Run:
    best = KeepBest(run.folder / folders.MODEL)
    history = HistoryFile(run.folder / folders.HISTORY)
    stop = StopInOrder()
    progress = ProgressBar(console)
    title = f"{run.config['arguments']['model']} on {splits.name}"
    epochs = run.config["recipe"]["epochs"]
    console.print(
        f"{title}: {count_params(model):,} weights to train, "
        f"{splits.split('train').num_examples:,} images {splits.image_shape}, "
        f"{epochs} epochs, seed {run.config['seed']}, into {run.folder}"
    )
    started = time.perf_counter()
    try:
        with stop.listening():
            model.fit(
                splits.train,
                epochs=epochs,
                validation_data=splits.validation,
                # The set has an order of its own in every epoch.
                shuffle=False,
                verbose=0,
                callbacks=[best, history, stop, progress],
            )
    finally:
        progress.close()
    seconds = time.perf_counter() - started

    draw_curves(history.rows, best.epoch, title, run.folder / folders.CURVES)
    results = {
        "status": stop.status,
        "epochs": len(history.rows),
        "best_epoch": best.epoch,
        "validation_accuracy": best.logs.get("val_accuracy"),
        "validation_loss": best.logs.get("val_loss"),
        "seconds": round(seconds, 2),
    }
    if stop.status != "finished":
        raise _stopped(stop, run.finish(results))
    return _score(run, results, splits, title)


def _score(run: Run, results: dict, splits: Splits, title: str) -> Run:
    split = "test" if splits.test is not None else "validation"
    scores = evaluate(run.model, splits.split(split))
    draw_confusion(
        scores.confusion,
        splits.class_names,
        f"{title}: {scores.accuracy:.2%} of {scores.count:,} {split} images",
        run.folder / folders.CONFUSION,
    )
    return run.finish(
        results
        | {"split": split, **scores.numbers()}
        | {"per_class": scores.per_class(splits.class_names)}
    )


def _stopped(stop: StopInOrder, run: Run) -> TrainingStopped:
    best = run.results["best_epoch"]
    kept = (
        f"The best model, of epoch {best} with validation accuracy "
        f"{run.results['validation_accuracy']:.2%}, is {run.folder / folders.MODEL}."
        if best
        else f"No model was kept in {run.folder}."
    )
    if stop.signal:
        why = f"Stopped in epoch {run.results['epochs']}."
        return TrainingStopped(f"{why} {kept}", run, 128 + stop.signal)
    why = (
        f"The loss is no longer a number in epoch {stop.diverged_in}; try a lower "
        "learning rate."
    )
    return TrainingStopped(f"{why} {kept}", run, 2)
