"""Callbacks of a training that consists of several calls of `fit`."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_cnnzoo.backend.forward import at_hand


class Relay(keras.callbacks.Callback):
    """Shows callbacks one training of one model, though `fit` runs otherwise.

    The model may be another one than `fit` trains, with the same weights in it; `fit`
    may run several times. The callbacks see one beginning and one end.

    Args:
        callbacks: The callbacks.
        model: The model that they see.
        epochs: Epochs of the whole training.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        model: keras.Model,
        epochs: int,
    ) -> None:
        super().__init__()
        self.history = keras.callbacks.History()
        self.shown = model
        self.epochs = epochs
        self._all = keras.callbacks.CallbackList([*callbacks, self.history])
        self._all.set_model(model)
        self._began = False
        self._logs: Mapping[str, float] = {}

    @property
    def stopped(self) -> bool:
        """Whether a callback has ended the training."""
        return bool(self.shown.stop_training)

    def end(self) -> keras.callbacks.History:
        """Tell the callbacks that the training has ended; return its history."""
        self._all.on_train_end(self._logs)
        return self.history

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        self.trained = model

    def set_params(self, params: dict[str, Any]) -> None:
        self._all.set_params(params | {"epochs": self.epochs})

    def on_train_begin(self, logs: Any = None) -> None:
        if not self._began:
            self.shown.stop_training = False
            self._all.on_train_begin(logs)
            self._began = True

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._all.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._logs = dict(logs or {})
        self._all.on_epoch_end(epoch, logs)
        self._pass_on_stop()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._let_see()
        self._all.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._let_see()
        self._all.on_train_batch_end(batch, logs)
        self._pass_on_stop()

    def on_test_begin(self, logs: Any = None) -> None:
        self._all.on_test_begin(logs)

    def on_test_end(self, logs: Any = None) -> None:
        self._all.on_test_end(logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._all.on_test_batch_begin(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._all.on_test_batch_end(batch, logs)

    def _let_see(self) -> None:
        # On JAX `fit` holds the weights, which callbacks may read in the other model.
        if self.shown is not self.trained:
            at_hand(self.trained)

    def _pass_on_stop(self) -> None:
        if self.shown.stop_training:
            self.trained.stop_training = True
