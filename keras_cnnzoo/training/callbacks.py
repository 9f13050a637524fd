"""Training callbacks: save the best model, and write the history."""

import csv
import io
import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import keras
from keras import ops

from keras_cnnzoo.files import save_model, write_text
from keras_cnnzoo.training.averaging import AverageWeights
from keras_cnnzoo.training.rate_ahead import RateAhead


class KeepBest(keras.callbacks.Callback):
    """Save the model whenever its validation accuracy improves.

    If two accuracies are equal, the lower validation loss is better. An epoch whose
    loss or weights are not finite is never saved. Unlike with
    `keras.callbacks.ModelCheckpoint`, the file is never half written, and holds the
    network without the optimizer.

    Args:
        path: The `.keras` file.
        average: Keeps the average of the weights, which is saved in their place.
        whole: The model to save, where `fit` trains a part of it. None saves the one
            that is trained.
    """

    def __init__(
        self,
        path: Path,
        average: AverageWeights | None = None,
        whole: keras.Model | None = None,
    ) -> None:
        super().__init__()
        self.path = path
        self.average = average
        self.whole = whole
        self.epoch: int | None = None
        self.logs: dict[str, float] = {}

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        if not math.isfinite(logs["loss"]) or not math.isfinite(logs["val_loss"]):
            return
        better = self.epoch is None or _rank(logs) > _rank(self.logs)
        if better and weights_are_finite(self.model):
            averaged = self.average.swapped() if self.average else nullcontext()
            with averaged:
                model = self.model if self.whole is None else self.whole
                save_model(_without_compiling(model), self.path)
            self.epoch, self.logs = epoch + 1, dict(logs)


def weights_are_finite(model: keras.Model) -> bool:
    """Return whether no weight is NaN or infinite, which an activation may hide."""
    sums = [
        ops.sum(ops.cast(weight, "float32"))
        for weight in model.weights
        if keras.backend.is_float_dtype(weight.dtype)
    ]
    return bool(ops.all(ops.isfinite(ops.stack(sums)))) if sums else True


def _without_compiling(model: keras.Model) -> keras.Model:
    """Return the network without its optimizer and metrics.

    Its file is a third of the size, and loads without custom optimizers or metrics.
    """
    if not model.inputs or len(model.inputs) > 1 or len(model.outputs) > 1:
        return model
    return keras.Model(model.inputs[0], model.outputs[0], name=model.name)


def _rank(logs: Mapping[str, float]) -> tuple[float, float]:
    return logs["val_accuracy"], -logs["val_loss"]


class HistoryFile(keras.callbacks.Callback):
    """Write one row per epoch to a file that is complete after every epoch.

    Args:
        path: The `.csv` file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.rows: list[dict[str, float]] = []
        self._rate: RateAhead | None = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        began = time.perf_counter()
        # No number, so that a resumed training does not take over another's clock.
        self._clock: Callable[[], float] = lambda: time.perf_counter() - began

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        if self._rate is None:
            self._rate = RateAhead(self.model)
        self._rate.begin()
        self.rows.append(
            {"epoch": epoch + 1, **logs, "learning_rate": self._rate.after(0)}
            | {"seconds": round(self._clock(), 3)}
        )
        text = io.StringIO()
        table = csv.DictWriter(text, self.rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows)
        write_text(self.path, text.getvalue())
