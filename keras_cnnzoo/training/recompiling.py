"""Compile a model again with the settings of its last `compile`."""

from typing import Any

import keras

from keras_cnnzoo.internals.optimizers import copy_decay_exclusions


def compile_settings(model: keras.Model) -> dict[str, Any] | None:
    """Return new copies of `compile`'s arguments; None if it was not called.

    The optimizer is new, without momenta or step count.

    Raises:
        ValueError: It was compiled with a loss or metric that Keras cannot recreate.
    """
    if not model.compiled:
        return None
    try:
        settings: dict[str, Any] = keras.saving.deserialize_keras_object(
            model.get_compile_config()
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{model.name!r} was compiled with a function that Keras cannot make "
            "again from its name. Register the function with "
            "keras.saving.register_keras_serializable; or freeze first, then compile."
        ) from error
    copy_decay_exclusions(model.optimizer, settings["optimizer"])
    return settings


def compile_again(model: keras.Model, settings: dict[str, Any] | None) -> None:
    """Compile a model with the result of `compile_settings`."""
    if settings is not None:
        model.compile(**settings)
