"""Have the convolutions of a model show what they see."""

import fnmatch
from typing import Any

import keras

from keras_cnnzoo.inspect.walk import sublayers
from keras_cnnzoo.layers import InstrumentedConv2D
from keras_cnnzoo.layers.instrumented import Record


def instrument(model: keras.Model, record: Record = "stats") -> keras.Model:
    """Return a copy of a model whose 2D convolutions are instrumented.

    Every `Conv2D` becomes an `InstrumentedConv2D`, and layers that hold convolutions
    and take `record`, as `ResidualBlock` does, are made with it. The weights are
    copied; the model itself stays as it is, and the copy is not compiled.

    Args:
        model: A Functional or Sequential model.
        record: "off", "stats" or "maps"; see `InstrumentedConv2D`.

    Raises:
        ValueError: The model is subclassed, so that its layers cannot be exchanged.
    """

    def exchange(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if type(layer) is keras.layers.Conv2D:
            return InstrumentedConv2D.from_config(config | {"record": record})
        if "record" in config:
            config["record"] = record
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(model, clone_function=exchange)
    # By value: JAX donates a buffer to the compiled step, and two must not share it.
    values = {w.path: keras.ops.convert_to_numpy(w) for w in model.weights}
    for weight in copy.weights:
        if weight.path in values:
            weight.assign(values[weight.path])
    return copy


def set_record(model: keras.Model, record: Record, layers: str = "*") -> int:
    """Switch what the instrumented convolutions of a model record.

    A model that was compiled traces its next step anew, so that the switch is seen.

    Args:
        model: Any model; nested models and blocks are searched.
        record: "off", "stats" or "maps"; see `InstrumentedConv2D`.
        layers: A shell-style pattern of the layers' paths.

    Returns:
        How many layers were switched.

    Raises:
        ValueError: No instrumented layer matches.
    """
    found = sublayers(model, InstrumentedConv2D)
    chosen = [layer for layer in found if fnmatch.fnmatchcase(layer.path, layers)]
    if not chosen:
        raise ValueError(
            f"No instrumented convolution of {model.name!r} matches {layers!r}. "
            f"It has: {', '.join(layer.path for layer in found) or 'none'}."
        )
    for layer in chosen:
        layer.record = record
    model.train_function = model.test_function = model.predict_function = None
    return len(chosen)


def statistics(model: keras.Model) -> dict[str, dict[str, Any]]:
    """Return what the layers in "stats" have seen: `{path: {statistic: array}}`."""
    return {
        layer.path: layer.statistics.numpy()
        for layer in sublayers(model, InstrumentedConv2D)
        if layer.statistics.started
    }
