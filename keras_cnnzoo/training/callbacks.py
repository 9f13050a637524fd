"""Training callbacks: save the best model, write the history, stop cleanly."""

import csv
import io
import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import keras

from keras_cnnzoo.files import save_model, write_text


class KeepBest(keras.callbacks.Callback):
    """Save the model whenever its validation accuracy improves.

    If two accuracies are equal, the lower validation loss is better. An epoch whose
    loss is not finite is never saved. Unlike with `keras.callbacks.ModelCheckpoint`,
    the file is never half written, and holds the network without the optimizer.

    Args:
        path: The `.keras` file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.epoch: int | None = None
        self.logs: dict[str, float] = {}

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        if not math.isfinite(logs["loss"]) or not math.isfinite(logs["val_loss"]):
            return
        if self.epoch is None or _rank(logs) > _rank(self.logs):
            save_model(_without_compiling(self.model), self.path)
            self.epoch, self.logs = epoch + 1, dict(logs)


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

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        seconds = round(time.perf_counter() - self._began, 3)
        self.rows.append(
            {"epoch": epoch + 1, **logs, "learning_rate": float(rate)}
            | {"seconds": seconds}
        )
        text = io.StringIO()
        table = csv.DictWriter(text, self.rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows)
        write_text(self.path, text.getvalue())


class StopInOrder(keras.callbacks.Callback):
    """Stop training between two steps: on a signal, or when the loss is not finite.

    Within `listening()`, the first Ctrl-C or SIGTERM ends the epoch early, so that
    the model is still validated, and saved if it is the best. The second one has its
    usual effect at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.signal: signal.Signals | None = None
        self.diverged_in: int | None = None

    @property
    def status(self) -> str:
        """How the training ended: "finished", "interrupted" or "diverged"."""
        if self.signal:
            return "interrupted"
        return "diverged" if self.diverged_in else "finished"

    @contextmanager
    def listening(self) -> Iterator[None]:
        # Only the main thread may handle signals; other threads change nothing.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        usual = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}

        def stop(number: int, frame: FrameType | None) -> None:
            self.signal = signal.Signals(number)
            for n, handler in usual.items():
                signal.signal(n, handler)

        try:
            for n in usual:
                signal.signal(n, stop)
            yield
        finally:
            for n, handler in usual.items():
                signal.signal(n, handler)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        if not math.isfinite(logs["loss"]):
            self.diverged_in = self._epoch + 1
        if self.signal or self.diverged_in:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        if self.signal:  # it may have arrived during the validation
            self.model.stop_training = True
