"""Run the epochs of a training by `fit`, from its beginning or from a checkpoint."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_cnnzoo.data import ImageSet
from keras_cnnzoo.training.checkpoints import Checkpoint
from keras_cnnzoo.training.fine_tuning import Phase


class _OneTraining(keras.callbacks.CallbackList):
    """Callbacks to which two calls of `fit` are one training.

    Unlike with a `Relay`, which is a callback itself, no step waits for them where all
    are `async_safe`.
    """

    def __init__(self, callbacks: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(list(callbacks), **kwargs)
        self._has_begun = False
        self.is_last = False
        self.steps = kwargs["steps"]

    def on_train_begin(self, logs: Any = None) -> None:
        if not self._has_begun:
            self._has_begun = True
            super().on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        # Of a resumed epoch, only the rest is left.
        self.set_params({**self.params, "steps": self.steps})
        super().on_epoch_begin(epoch, logs)

    def on_train_end(self, logs: Any = None) -> None:
        if self.is_last:
            super().on_train_end(logs)


def fit_epochs(
    model: keras.Model,
    train: ImageSet,
    validation: ImageSet,
    phases: Sequence[Phase],
    callbacks: Sequence[keras.callbacks.Callback],
    *,
    begin: Callable[[Phase], None],
    start: Checkpoint | None,
    class_weights: dict[int, float] | None,
) -> None:
    """Fit a compiled model until the end of the last phase.

    Args:
        model: The model.
        train: The training images.
        validation: The validation images.
        phases: The phases of the training, one after the other.
        callbacks: The callbacks. One of them restores the checkpoint.
        begin: Makes the model ready for a phase; called before each.
        start: The checkpoint to go on from; None begins anew.
        class_weights: The weight of each class in the loss.
    """
    epochs = phases[-1].end
    listed = _OneTraining(
        callbacks, add_history=True, model=model, epochs=epochs, steps=len(train)
    )
    settings: dict[str, Any] = {
        "validation_data": validation,
        "verbose": 0,
        "callbacks": listed,
        "class_weight": class_weights,
    }
    first, step = 0, 0
    if start is not None:
        first, step = start.place.epoch, start.place.step
        if start.stopped:
            return
    for phase in phases:
        begin(phase)  # also before a checkpoint, since later phases build on it
        if phase.end <= first:
            continue
        if start is not None:
            if keras.backend.backend() != "jax":
                build_state(model, validation)
            start = None
        if step:
            listed.is_last = first + 1 == epochs
            rest = train.rest(first, step)
            listed.steps = len(rest)
            model.fit(rest, initial_epoch=first, epochs=first + 1, **settings)
            first, step = first + 1, 0
        listed.steps = len(train)
        if first < phase.end and not model.stop_training:
            listed.is_last = phase.end == epochs
            train.epoch = first
            model.fit(train, initial_epoch=first, epochs=phase.end, **settings)
            first = phase.end
        if model.stop_training and not listed.is_last:
            listed.is_last = True
            listed.on_train_end()
            return


def build_state(model: keras.Model, images: ImageSet) -> None:
    """Make the variables of a compiled model's metrics and optimizer.

    `fit` makes them in its first step on TensorFlow and PyTorch, and a checkpoint needs
    them before. On JAX it does so as it begins.
    """
    pixels, labels = images[0]
    model.evaluate(pixels, labels, verbose=0)
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
