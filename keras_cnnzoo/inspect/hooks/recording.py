"""Switch what a model's instrumented convolutions record, and read their statistics."""

import fnmatch
from typing import Any

import keras

from keras_cnnzoo.internals.retracing import trace_anew
from keras_cnnzoo.layers import InstrumentedConv2D
from keras_cnnzoo.layers.instrumented import Record
from keras_cnnzoo.structure.paths import layer_paths


def set_record(model: keras.Model, record: Record, layers: str = "*") -> int:
    """Set what the instrumented convolutions of a model record.

    A compiled model is traced anew at its next step, so that the change takes effect.

    Args:
        model: Any model; nested models and blocks are searched.
        record: "off", "stats" or "maps"; see `InstrumentedConv2D`.
        layers: A shell-style pattern of the layers' paths.

    Returns:
        The number of matching layers.

    Raises:
        ValueError: No instrumented layer matches.
    """
    found = instrumented(model)
    chosen = [
        layer for path, layer in found.items() if fnmatch.fnmatchcase(path, layers)
    ]
    if not chosen:
        raise ValueError(
            f"No instrumented convolution of {model.name!r} matches {layers!r}. "
            f"It has: {', '.join(found) or 'none'}."
        )
    for layer in chosen:
        layer.record = record
    trace_anew(model)
    return len(chosen)


def statistics(model: keras.Model) -> dict[str, dict[str, Any]]:
    """Return the recorded statistics of layers: `{path: {statistic: array}}`."""
    return {
        path: layer.statistics.numpy()
        for path, layer in instrumented(model).items()
        if layer.statistics.started
    }


def instrumented(model: keras.Model) -> dict[str, InstrumentedConv2D]:
    """Return the instrumented convolutions inside a model by path."""
    return {
        path: layer
        for path, layer in layer_paths(model).items()
        if isinstance(layer, InstrumentedConv2D)
    }
