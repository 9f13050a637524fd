"""Have the convolutions of a model show what they see."""

import fnmatch
from collections.abc import Callable
from typing import Any

import keras

from keras_cnnzoo.inspect.paths import layer_paths
from keras_cnnzoo.layers import InstrumentedConv2D
from keras_cnnzoo.layers.instrumented import ChannelStatistics, Record


def instrument(model: keras.Model, record: Record = "stats") -> keras.Model:
    """Return a copy of a model whose 2D convolutions are instrumented.

    Every `Conv2D` becomes an `InstrumentedConv2D`, in nested models too, and layers
    that hold convolutions and take `record`, as `ResidualBlock` does, are made with
    it. The weights are copied; the model itself stays as it is. `plain` is the way
    back.

    Args:
        model: A Functional or Sequential model. Where its class has a constructor of
            its own, the copy is a `keras.Model` of the same layers.
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

    return _remade(model, exchange)


def plain(model: keras.Model) -> keras.Model:
    """Return a copy of a model whose instrumented convolutions are `Conv2D` again.

    The weights are copied, and statistics are left behind.

    Args:
        model: A Functional or Sequential model, such as `instrument` returns.

    Raises:
        ValueError: The model is subclassed, so that its layers cannot be exchanged.
    """

    def exchange(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if type(layer) is InstrumentedConv2D:
            for name in ("record", "momentum", "sample"):
                del config[name]
            return keras.layers.Conv2D.from_config(config)
        if "record" in config:
            config["record"] = None
        return layer.__class__.from_config(config)

    return _remade(model, exchange)


def _remade(
    model: keras.Model,
    exchange: Callable[[keras.layers.Layer], keras.layers.Layer],
) -> keras.Model:
    """Copy a model with its layers exchanged, and carry over what they hold."""
    if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
        raise ValueError(
            f"{model.name!r} is of the class {type(model).__name__}, whose layers only "
            "its own code can exchange. Make them `InstrumentedConv2D` there; or look "
            "at the model as it is with `tap` or `activations`."
        )
    pairs: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []

    def noted(layer: keras.layers.Layer) -> keras.layers.Layer:
        pairs.append((layer, exchange(layer)))
        return pairs[-1][1]

    copy = keras.models.clone_model(model, clone_function=noted, recursive=True)
    if model.built and not copy.built:
        copy.build(model.input_shape)
    for old, new in pairs:
        for layer, twin in zip(_parts(old), _parts(new), strict=True):
            twin.trainable = layer.trainable
            _carry_over(layer, twin)
    return copy


def _parts(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    inner = layer_paths(layer).values()
    return [layer, *(x for x in inner if not isinstance(x, ChannelStatistics))]


def _carry_over(layer: keras.layers.Layer, twin: keras.layers.Layer) -> None:
    """Give a layer the weights that its twin itself holds."""
    held: dict[str, Any] = {}
    layer.save_own_variables(held)
    # By value: JAX donates a buffer to the compiled step, and two must not share it.
    values = {name: keras.ops.convert_to_numpy(value) for name, value in held.items()}
    twin.load_own_variables(values)


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
    model.train_function = model.test_function = model.predict_function = None
    return len(chosen)


def statistics(model: keras.Model) -> dict[str, dict[str, Any]]:
    """Return what the layers in "stats" have seen: `{path: {statistic: array}}`."""
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
