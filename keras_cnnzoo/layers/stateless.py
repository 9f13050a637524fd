"""Layers without weights count as built from the start, as in Keras."""

import keras


def is_stateless(layer: keras.layers.Layer) -> bool:
    """Return whether a layer has nothing to build: its class does not override `build`.

    Constructors end with `self.built = is_stateless(self)`. Otherwise a new model would
    have unbuilt layers, for which `quantize` raises an error. A subclass may still
    override `build` to add weights.
    """
    return bool(type(layer).build is keras.layers.Layer.build)
