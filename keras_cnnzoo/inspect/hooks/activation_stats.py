"""Log statistics of a network's activations during training."""

import csv
import importlib.util
import io
import os
import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.files import write_text
from keras_cnnzoo.inspect.hooks.recording import instrumented, statistics

#: A channel is constant if its standard deviation is at most this share of its mean.
_CONSTANT = 1e-3


class ActivationStats(keras.callbacks.Callback):
    """Log the mean and variance of each instrumented layer's activations, per epoch.

    For each layer whose `record` is "stats", three values are added to the logs of an
    epoch: `path/mean`, `path/variance`, and `path/dead`, the share of dead channels. A
    channel is dead if its output is constant (to within a thousandth of its value), as
    for a ReLU whose input is never positive. The statistics come from the training
    batches, from as many images per batch as the layer samples, and start anew each
    epoch. A layer whose channels are all dead causes one warning.

    Args:
        path: A `.csv` file to write, with a row per epoch and layer. It is complete
            after every epoch.
        log_dir: A folder for TensorBoard, which must be installed.

    Raises:
        ValueError: No layer of the model records statistics.
        ImportError: `log_dir` is given, and TensorBoard is not installed.

    Example:
        >>> from keras_cnnzoo.inspect import instrument
        >>> model = instrument(keras.Sequential([keras.Input((8, 8, 1)),
        ...     keras.layers.Conv2D(2, 3, name="conv"), keras.layers.Flatten()]))
        >>> model.compile("sgd", "mse")
        >>> images, targets = np.ones((4, 8, 8, 1)), np.zeros((4, 72))
        >>> fitted = model.fit(
        ...     images, targets, verbose=0, callbacks=[ActivationStats()])
        >>> [name for name in fitted.history if "conv" in name]
        ['conv/dead', 'conv/mean', 'conv/variance']
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        log_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__()
        self.path = path
        self.rows: list[dict[str, Any]] = []
        self._died: set[str] = set()
        self._seen: dict[str, dict[str, Any]] = {}
        self._board: keras.callbacks.Callback | None = None
        if log_dir is not None:
            if importlib.util.find_spec("tensorboard") is None:
                raise ImportError(
                    "`log_dir` is for TensorBoard, which is not installed: "
                    "pip install tensorboard"
                )
            self._board = keras.callbacks.TensorBoard(log_dir, write_graph=False)

    def set_model(self, model: keras.Model) -> None:
        if not any(layer.record == "stats" for layer in instrumented(model).values()):
            raise ValueError(
                f"No layer of {model.name!r} records statistics. Train a model made "
                "by `instrument(model)`; or, where its layers are instrumented, "
                "switch them by `set_record(model, 'stats')`."
            )
        super().set_model(model)
        if self._board:
            self._board.set_model(model)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self._board:
            self._board.on_train_begin()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._board:
            self._board.on_train_end()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._seen = {}
        for layer in instrumented(self.model).values():
            layer.statistics.reset()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        # Keep the training statistics, since validation adds its own to the layers.
        self._seen = statistics(self.model)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        seen = self._seen or statistics(self.model)
        rows = {path: _summary(s) for path, s in seen.items() if s["calls"]}
        flat = {
            f"{path}/{name}": value
            for path, row in rows.items()
            for name, value in row.items()
        }
        if logs is not None:
            logs.update(flat)
        self.rows += [{"epoch": epoch + 1, "layer": p} | row for p, row in rows.items()]
        if self.path is not None:
            write_text(self.path, _table(self.rows))
        if self._board:
            self._board.on_epoch_end(epoch, flat)
        for path, row in rows.items():
            if row["dead"] == 1 and path not in self._died:
                self._died.add(path)
                warnings.warn(
                    f"In epoch {epoch + 1}, all channels of {path!r} give the same "
                    "number whatever the image: the layer is dead. A lower learning "
                    "rate, or normalisation before the activation, may help.",
                    stacklevel=2,
                )


def _summary(seen: Mapping[str, np.ndarray]) -> dict[str, float]:
    mean, variance = (seen[n].astype("float64") for n in ("mean", "variance"))
    return {
        "dead": float(np.mean(np.sqrt(variance) <= _CONSTANT * abs(mean))),
        "mean": float(mean.mean()),
        # The total variance: within channels plus between channels.
        "variance": float(variance.mean() + mean.var()),
    }


def _table(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, rows[0], lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()
