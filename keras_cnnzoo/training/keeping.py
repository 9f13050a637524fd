"""Callbacks that lose nothing: checkpoints, and a stop between two steps."""

import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.training.averaging import AverageWeights
from keras_cnnzoo.training.callbacks import weights_are_finite
from keras_cnnzoo.training.checkpoints import Checkpoint, Place, remove_all_but
from keras_cnnzoo.training.processes import ALONE, Processes


class Interrupted(Exception):  # noqa: N818 - it is no error
    """Ends `fit` at once, after a checkpoint was saved."""


class KeepCheckpoints(keras.callbacks.Callback):
    """Save checkpoints, from which a training that was killed goes on exactly.

    The last three are kept. An epoch's checkpoint is saved after everything else that
    the epoch writes, so that no file is newer than what a resumed training repeats.

    Args:
        folder: Where checkpoints are saved. It is made.
        every: Seconds between two checkpoints. None saves as often as it costs at
            most 2 % of the time.
        remember: Callbacks whose plain attributes (numbers, texts, and lists and dicts
            of them) are part of a checkpoint.
        average: Keeps the average of the weights, which is part of a checkpoint.
        start: The checkpoint from which the training goes on.
    """

    KEPT, SHARE = 3, 0.02

    def __init__(
        self,
        folder: Path,
        *,
        every: float | None = None,
        remember: Sequence[keras.callbacks.Callback] = (),
        average: AverageWeights | None = None,
        start: Checkpoint | None = None,
    ) -> None:
        super().__init__()
        self.folder = folder
        self._every = every
        self._remember = remember
        self._average = average
        self._start = start
        #: The next batch's epoch, and its number there beside Keras's number.
        self._epoch = self._offset = 0
        self._wait = 0.0 if every is None else every
        self._saved = time.monotonic()
        self._recall()

    def _others(self) -> list[keras.Variable]:
        return [] if self._average is None else self._average.variables

    def _recall(self) -> None:
        if self._start is not None:
            has, had = len(self._remember), len(self._start.memory)
            if has != had:
                raise ValueError(
                    f"The checkpoint is of a training with {had} callbacks, and this "
                    f"one has {has}, with those of `train` itself. Pass the same "
                    "`callbacks`, from Python, to go on."
                )
            memories = zip(self._remember, self._start.memory, strict=True)
            for callback, memory in memories:
                vars(callback).update(memory)

    def on_train_begin(self, logs: Any = None) -> None:
        self._recall()  # again, since callbacks begin anew here

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch, self._offset = epoch, 0
        if self._start is not None:
            if self._start.place.step:
                self._recall()  # within an epoch, they have begun it already
            if self._average is not None:
                self._average.build(self.model)
            # Not earlier, since `fit` resets the metrics until here.
            self._start.restore(self.model, self._others())
            if self._average is not None:
                self._average.on_train_begin()  # it reads its counts anew
            self._offset = self._start.place.step
            self._start = None

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch and time.monotonic() - self._saved >= self._wait:
            self.save(self.place(batch))

    def place(self, batch: int) -> Place:
        """Return the place before a batch, which has Keras's number."""
        return Place(self._epoch, self._offset + batch)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        if time.monotonic() - self._saved >= self._wait:
            self.save(Place(epoch + 1))

    def save(self, place: Place) -> None:
        """Save a checkpoint now, unless the weights are not finite.

        Raises:
            OSError: It cannot be written; those before it are still there.
        """
        began = time.monotonic()
        memory = [_plain_attributes(callback) for callback in self._remember]
        checkpoint = Checkpoint.of(self.model, place, memory, self._others())
        if checkpoint.is_finite:
            self.folder.mkdir(exist_ok=True)
            checkpoint.write(self.folder)
            remove_all_but(self.folder, self.KEPT)
        self._saved = time.monotonic()
        if self._every is None:
            self._wait = (self._saved - began) / self.SHARE


def _plain_attributes(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """Return the attributes of a callback that JSON can hold."""
    kept = {}
    for name, value in vars(callback).items():
        plain = value.item() if isinstance(value, np.generic) else value
        if name != "params" and _is_plain(plain):
            kept[name] = plain
    return kept


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str)


class StopInOrder(keras.callbacks.Callback):
    """Stop training between two steps: on a signal, or when it diverges.

    It diverges when the loss, or at the end of an epoch a weight, is not finite.

    Within `listening()`, the first Ctrl-C or SIGTERM saves a checkpoint before the next
    step, or after the validation that is running, and ends `fit` by `Interrupted`. The
    second one has its usual effect at once.

    Several processes stop before the same step, wherever the signal arrived.

    Args:
        checkpoints: Saves the checkpoint.
        processes: Those that train together.
    """

    # Keras calls `on_train_batch_end` in a thread then, so that no step waits until
    # the loss of the one before it has been computed.
    async_safe = True

    def __init__(
        self, checkpoints: KeepCheckpoints, processes: Processes = ALONE
    ) -> None:
        super().__init__()
        self.checkpoints, self.processes = checkpoints, processes
        self._steps = 0
        self.signal: signal.Signals | None = None
        self.diverged_in: int | None = None
        self._epoch = 0

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
        alone = self.processes.count == 1
        # JAX handles SIGTERM where there are several processes, and tells all.
        numbers = (signal.SIGINT, signal.SIGTERM) if alone else (signal.SIGINT,)
        usual = {n: signal.getsignal(n) for n in numbers}

        def stop(number: int, frame: FrameType | None) -> None:
            if alone:
                self.signal = signal.Signals(number)
            else:
                signal.raise_signal(signal.SIGTERM)
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

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self.processes.are_called(self._steps):
            self.signal = signal.SIGTERM
        self._steps += 1
        # Each process hears of the loss at another step, and all at the epoch's end.
        if self.diverged_in and self.processes.count == 1:
            self.model.stop_training = True
        elif self.signal:
            self.checkpoints.save(self.checkpoints.place(batch))
            raise Interrupted

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        # Not `self.model`, which on JAX takes the weights from the step that runs.
        if not math.isfinite(logs["loss"]):
            self.diverged_in = self._epoch + 1

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        finite = math.isfinite(logs["loss"]) and weights_are_finite(self.model)
        if self.diverged_in or not finite:
            self.diverged_in = epoch + 1
            self.model.stop_training = True
        elif self.signal:  # it arrived during the last step or the validation
            self.checkpoints.save(Place(epoch + 1))
            raise Interrupted
