"""Which model of the zoo a Keras model is."""

import keras

from keras_cnnzoo.registry import list_models, origin


def zoo_name(model: keras.Model) -> str | None:
    """Return the name that `build` knows a model by, or None where it made none."""
    built = origin(model)
    name = model.name if built is None else built.name
    return name if list_models(name) else None
