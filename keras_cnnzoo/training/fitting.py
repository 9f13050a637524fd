"""Train a model, save its best epoch, and evaluate that."""

import time
from collections.abc import Sequence
from typing import Any

import keras
from rich.console import Console

from keras_cnnzoo.data import Splits
from keras_cnnzoo.training import folder as folders
from keras_cnnzoo.training.callbacks import HistoryFile, KeepBest, StopInOrder
from keras_cnnzoo.training.evaluation import evaluate
from keras_cnnzoo.training.folder import Run
from keras_cnnzoo.training.pictures import draw_confusion, draw_curves
from keras_cnnzoo.training.progress import ProgressBar
from keras_cnnzoo.training.watch import ALL_SKIPPED, Watch, scales_loss, steps_taken


class TrainingStopped(RuntimeError):  # noqa: N818 - Ctrl-C is no error
    """Training ended before its last epoch.

    Attributes:
        run: The run, with the best model so far if an epoch was finished.
        exit_code: Exit code for a command: 128 plus the signal's number, or 2.
    """

    def __init__(self, message: str, run: Run, exit_code: int) -> None:
        super().__init__(message)
        self.run = run
        self.exit_code = exit_code


def fit_and_score(
    run: Run,
    model: keras.Model,
    splits: Splits,
    console: Console,
    notes: list[str],
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Run:
    """Train a compiled model, and write the results of its run.

    Args:
        run: The run; its folder exists.
        model: The model.
        splits: The data.
        console: Where progress is shown.
        notes: Sentences on problems that are known before the training.
        callbacks: More callbacks, such as those of the recipe.

    Raises:
        TrainingStopped: A signal arrived, or the loss is no longer finite.
    """
    train, validation = splits.split("train"), splits.split("validation")
    best = KeepBest(run.folder / folders.MODEL)
    history = HistoryFile(run.folder / folders.HISTORY)
    stop = StopInOrder()
    progress = ProgressBar(console)
    watch = Watch(console.print, train, validation, run.display_names)
    title = f"{run.config['arguments']['model']} on {splits.name}"
    epochs = run.config["recipe"]["epochs"]
    for text in notes:
        watch.note(text)
    started = time.perf_counter()
    try:
        with stop.listening():
            model.fit(
                train,
                epochs=epochs,
                validation_data=validation,
                verbose=0,
                callbacks=[best, history, stop, progress, watch, *callbacks],
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
        "validation_balanced_accuracy": best.logs.get("val_balanced_accuracy"),
        "validation_loss": best.logs.get("val_loss"),
        "seconds": round(seconds, 2),
        "notes": watch.notes,
    }
    if stop.status != "finished":
        skipped = scales_loss(model) and steps_taken(model) == 0
        raise _stopped(stop, run.finish(results), all_skipped=skipped)
    return _score(run, results, splits, title, watch)


def _score(
    run: Run, results: dict[str, Any], splits: Splits, title: str, watch: Watch
) -> Run:
    split = "test" if splits.test is not None else "validation"
    scores = evaluate(run.model, splits.split(split))
    names = run.display_names
    if scores.accuracy <= scores.majority:
        watch.note(
            f"the {split} accuracy of {scores.accuracy:.1%} is no better than to "
            f"answer {names[scores.most_frequent]!r} every time, which has "
            f"{scores.majority:.1%}."
        )
    draw_confusion(
        scores.confusion,
        names,
        f"{title}: {scores.accuracy:.2%} of {scores.count:,} {split} images",
        run.folder / folders.CONFUSION,
    )
    return run.finish(
        results
        | {"split": split, **scores.numbers()}
        | {"per_class": scores.per_class(splits.class_names)}
    )


def _stopped(stop: StopInOrder, run: Run, *, all_skipped: bool) -> TrainingStopped:
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
    why = f"The loss is no longer a number in epoch {stop.diverged_in}"
    why += f"; {ALL_SKIPPED}" if all_skipped else "; try a lower learning rate."
    return TrainingStopped(f"{why} {kept}", run, 2)
