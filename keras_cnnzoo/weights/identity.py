"""Find the zoo's name of a Keras model."""

import keras

from keras_cnnzoo.registry import list_models, origin


def zoo_name(model: keras.Model) -> str | None:
    """Return the name under which `build` makes this model, or None if it has none."""
    built = origin(model)
    name = model.name if built is None else built.name
    return name if list_models(name) else None
