"""Layers without weights are built as soon as they are made, as Keras's own are."""

import keras


def is_stateless(layer: keras.layers.Layer) -> bool:
    """Tell whether a layer has nothing to build: its class does not override `build`.

    A constructor ends with `self.built = is_stateless(self)`. Else a fresh model would
    hold unbuilt layers, which `quantize` refuses. A subclass may still add weights in a
    `build` of its own.
    """
    return bool(type(layer).build is keras.layers.Layer.build)
