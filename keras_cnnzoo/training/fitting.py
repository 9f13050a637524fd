"""Train a model, save its best epoch, and evaluate that."""

import itertools
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
from rich.console import Console

from keras_cnnzoo import files
from keras_cnnzoo.internals.seeding import seed_everything
from keras_cnnzoo.training import folder as folders
from keras_cnnzoo.training.callbacks import HistoryFile, KeepBest
from keras_cnnzoo.training.checkpoints import Checkpoint, newest
from keras_cnnzoo.training.compiling import make_average, make_callbacks
from keras_cnnzoo.training.epochs import fit_epochs
from keras_cnnzoo.training.evaluation import evaluate
from keras_cnnzoo.training.folder import Run
from keras_cnnzoo.training.keeping import Interrupted, KeepCheckpoints, StopInOrder
from keras_cnnzoo.training.pictures import draw_confusion, draw_curves
from keras_cnnzoo.training.preparing import Prepared
from keras_cnnzoo.training.progress import ProgressBar
from keras_cnnzoo.training.recalibration import recalibrate
from keras_cnnzoo.training.watch import ALL_SKIPPED, Watch, scales_loss, steps_taken

#: After a loss that is no number, the training goes on with this share of its rate.
LOWERED = 0.1
#: Exit codes by signal: a training that a scheduler ended can be resumed.
EXIT_CODES = {"SIGTERM": 75, "SIGINT": 130}


class TrainingStopped(RuntimeError):  # noqa: N818 - Ctrl-C is no error
    """Training ended before its last epoch.

    Attributes:
        run: The run, with the best model so far if an epoch was finished.
        exit_code: Exit code for a command: 75 after SIGTERM (the run can be resumed),
            130 after Ctrl-C, or 2.
    """

    def __init__(self, message: str, run: Run, exit_code: int) -> None:
        super().__init__(message)
        self.run = run
        self.exit_code = exit_code


def fit_and_score(
    run: Run,
    prepared: Prepared,
    console: Console,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    save_every: float | None = None,
    start: Checkpoint | None = None,
) -> Run:
    """Train a model, and write the results of its run.

    Args:
        run: The run; its folder exists.
        prepared: The compiled model, the data and the recipe.
        console: Where progress is shown.
        callbacks: The user's callbacks.
        save_every: Seconds between two checkpoints; see `KeepCheckpoints`.
        start: The checkpoint to go on from; None begins anew.

    Raises:
        TrainingStopped: A signal arrived, or the loss is no longer finite.
    """
    training = _Training(run, prepared, console, callbacks, save_every, start)
    processes = prepared.devices.processes
    with processes.together(run.folder):
        training.fit()
        if training.stop.status == "diverged" and not run.lowered:
            folder = processes.copied(run.folder)
            back = newest(folder / folders.CHECKPOINTS)
            if back is not None:
                training = training.lowered(back)
                training.fit()
        return training.finish()


class _Training:
    """One model in training, with its callbacks."""

    def __init__(
        self,
        run: Run,
        prepared: Prepared,
        console: Console,
        callbacks: Sequence[keras.callbacks.Callback],
        save_every: float | None,
        start: Checkpoint | None,
    ) -> None:
        self.run, self.prepared, self.console = run, prepared, console
        self.callbacks, self.save_every = callbacks, save_every
        self.train, self.validation = prepared.sets.train, prepared.sets.validation
        self.start = start = start and prepared.matching(start)
        self.average = make_average(prepared.recipe)
        self.best = KeepBest(run.folder / folders.MODEL, self.average, prepared.model)
        self.history = HistoryFile(run.folder / folders.HISTORY)
        self.progress = ProgressBar(console, self.train.num_examples)
        self.watch = Watch(
            console.print, self.train, self.validation, run.display_names
        )
        others = [*make_callbacks(prepared.recipe), *callbacks]
        self.checkpoints = KeepCheckpoints(
            run.folder / folders.CHECKPOINTS,
            every=save_every,
            remember=[self.best, self.history, self.watch, *others],
            average=self.average,
            start=start,
        )
        self.stop = StopInOrder(self.checkpoints, prepared.devices.processes)
        self.listed = [
            *([self.average] if self.average else []),
            *(self.best, self.history, self.progress, self.watch, *others),
            # The last ones, so that a checkpoint has what the others did.
            *(self.checkpoints, self.stop),
        ]
        self.title = f"{run.config['arguments']['model']} on {prepared.splits.name}"
        self.seconds = 0.0

    def lowered(self, back: Checkpoint) -> "_Training":
        """Return the training from a checkpoint on, at a lower rate."""
        why = (
            f"the loss was no longer a number in epoch {self.stop.diverged_in}, so the "
            f"training went back to epoch {back.place.epoch + 1}, step "
            f"{back.place.step:,}, and on with {LOWERED:g} of the learning rate."
        )
        self.console.print(f"note: {why}")
        run = self.run.lower_rate(LOWERED, why)
        self.prepared.compile(run.rate)
        return _Training(
            run,
            self.prepared,
            self.console,
            self.callbacks,
            self.save_every,
            replace(back, stopped=False),
        )

    def fit(self) -> None:
        """Fit the model until its last epoch, or until something ends it."""
        for text in () if self.start else self.prepared.notes:
            self.watch.note(text)
        began = time.perf_counter()
        try:
            devices = self.prepared.devices
            with self.stop.listening(), devices.scope():
                fit_epochs(
                    self.prepared.trained,
                    devices.part(self.train),
                    devices.part(self.validation),
                    self.prepared.phases,
                    self.listed,
                    begin=self.prepared.begin,
                    start=self.start,
                    class_weights=self.prepared.class_weights,
                )
        except Interrupted:
            pass
        finally:
            self.progress.close()
            self.seconds = time.perf_counter() - began

    def finish(self) -> Run:
        """Write the results."""
        draw_curves(
            self.history.rows,
            self.best.epoch,
            self.title,
            self.run.folder / folders.CURVES,
        )
        results = {
            "status": self.stop.status,
            "epochs": len(self.history.rows),
            "best_epoch": self.best.epoch,
            "validation_accuracy": self.best.logs.get("val_accuracy"),
            "validation_balanced_accuracy": self.best.logs.get("val_balanced_accuracy"),
            "validation_loss": self.best.logs.get("val_loss"),
            "seconds": round(self.seconds, 2),
            "notes": [*self.run.notes, *self.watch.notes],
        }
        if self.stop.status != "finished":
            model = self.prepared.trained
            skipped = scales_loss(model) and steps_taken(model) == 0
            stopped = self.run.finish(results)
            raise _stopped(self.stop, stopped, all_skipped=skipped)
        # Before what each process computes by itself, perhaps rounded otherwise.
        self.prepared.devices.processes.check_same(self.run.model)
        self._recalibrate()
        scored = _score(self.run, results, self.prepared, self.title, self.watch)
        # Only a training that goes on needs them.
        shutil.rmtree(self.run.folder / folders.CHECKPOINTS, ignore_errors=True)
        return scored

    def _recalibrate(self) -> None:
        """Compute the kept model's statistics anew, if the recipe says so."""
        recipe = self.prepared.recipe
        if recipe.recalibrate:
            # The model's random layers and the batches are the same after a resumption,
            # if the model is loaded after the seed is set.
            seed_everything(self.run.config["seed"])
            self.run = Run(self.run.folder, self.run.config)
            images = self.prepared.splits.split("train")
            later = itertools.count(recipe.epochs)
            batches = itertools.chain.from_iterable(
                images.rest(epoch, 0) for epoch in later
            )
            model = recalibrate(self.run.model, batches, recipe.recalibrate)
            files.save_model(model, self.run.folder / folders.MODEL)


def _score(
    run: Run, results: dict[str, Any], prepared: Prepared, title: str, watch: Watch
) -> Run:
    splits = prepared.splits
    split = "test" if splits.test is not None else "validation"
    flip = prepared.recipe.images.flip_test
    scores = evaluate(run.model, splits.split(split), flip=flip)
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
    if not stop.processes.leads:
        kept = "The best model is in the run folder of process 0."
    if stop.signal:
        return TrainingStopped(
            f"Stopped in epoch {run.results['epochs'] + 1}, after a checkpoint. {kept} "
            f"Go on with: cnnzoo train --resume {stop.processes.shown(run.folder)}",
            run,
            EXIT_CODES.get(stop.signal.name, 128 + stop.signal),
        )
    why = f"The loss is no longer a number in epoch {stop.diverged_in}"
    why += f"; {ALL_SKIPPED}" if all_skipped else "; try a lower learning rate."
    return TrainingStopped(f"{why} {kept}", run, 2)
