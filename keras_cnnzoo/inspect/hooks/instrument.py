"""Have the convolutions of a model show what they see."""

import fnmatch
from collections.abc import Callable
from typing import Any

import keras

from keras_cnnzoo.backend.forward import trace_anew
from keras_cnnzoo.layers import InstrumentedConv2D
from keras_cnnzoo.layers.instrumented import (
    ChannelStatistics,
    Record,
    become_instrumented,
    become_plain,
)
from keras_cnnzoo.structure.paths import CONVOLUTION, Selection, find, layer_paths
from keras_cnnzoo.structure.shapes import image_shape
from keras_cnnzoo.structure.walk import sublayers


def instrument(
    model: keras.Model, layers: Selection = CONVOLUTION, *, record: Record = "stats"
) -> keras.Model:
    """Return a copy of a model whose 2D convolutions are instrumented.

    Every `Conv2D` that is chosen becomes an `InstrumentedConv2D`, in nested models,
    blocks and subclassed models too; layers of classes derived from it stay what they
    are. The weights are copied; the model itself stays as it is. `plain` is the way
    back.

    Args:
        model: Any Keras model. Where the class of a Functional model has a constructor
            of its own, the copy is a `keras.Model` of the same layers. The copy of a
            subclassed model is made by its `from_config`, which makes plain layers
            when a file of it is loaded.
        layers: Which layers, as `find` takes them; all convolutions in a block or model
            that is chosen count. By default all there are.
        record: "off", "stats" or "maps"; see `InstrumentedConv2D`.

    Raises:
        ValueError: `layers` matches nothing, or no `Conv2D`; or the model is
            subclassed, and its class cannot make a copy of it.

    Example:
        >>> conv = keras.layers.Conv2D(2, 3, name="conv")
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), conv])
        >>> find(instrument(model), InstrumentedConv2D)
        {'conv': <InstrumentedConv2D name=conv, built=True>}
    """
    chosen = _chosen(model, layers)

    def exchange(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if type(layer) is keras.layers.Conv2D and id(layer) in chosen:
            return InstrumentedConv2D.from_config(config | {"record": record})
        if "record" in config and chosen & set(map(id, sublayers(layer))):
            config["record"] = record
        return layer.__class__.from_config(config)

    def settle(layer: keras.layers.Layer, twin: keras.layers.Layer) -> None:
        if type(twin) is keras.layers.Conv2D and id(layer) in chosen:
            become_instrumented(twin, record)
        elif isinstance(twin, InstrumentedConv2D):
            # A block has one `record` for all that is in it.
            twin.record = record if id(layer) in chosen else _record_of(layer)

    return _remade(model, exchange, settle)


def plain(model: keras.Model) -> keras.Model:
    """Return a copy of a model whose instrumented convolutions are `Conv2D` again.

    The weights are copied, and statistics are left behind.

    Args:
        model: Any Keras model, such as `instrument` returns.

    Raises:
        ValueError: The model is subclassed, and its class cannot make a copy of it.
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

    def settle(layer: keras.layers.Layer, twin: keras.layers.Layer) -> None:
        if type(twin) is InstrumentedConv2D:
            become_plain(twin)

    return _remade(model, exchange, settle)


def _chosen(model: keras.Model, layers: Selection) -> set[int]:
    """Return the identities of the convolutions that are chosen."""
    matched = tuple(find(model, layers))
    within = tuple(f"{path}/" for path in matched)
    found = {
        id(layer)
        for path, layer in layer_paths(model).items()
        if type(layer) in (keras.layers.Conv2D, InstrumentedConv2D)
        and (path in matched or path.startswith(within))
    }
    if not found:
        raise ValueError(
            f"None of these layers of {model.name!r} is a Conv2D, or holds one: "
            f"{', '.join(matched)}."
        )
    return found


def _record_of(layer: keras.layers.Layer) -> Record:
    return layer.record if isinstance(layer, InstrumentedConv2D) else "off"


def _remade(
    model: keras.Model,
    exchange: Callable[[keras.layers.Layer], keras.layers.Layer],
    settle: Callable[[keras.layers.Layer, keras.layers.Layer], None],
) -> keras.Model:
    """Copy a model with its layers exchanged, and carry over what they hold.

    `settle` is called with each layer and its twin before that.
    """
    pairs: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []

    def noted(layer: keras.layers.Layer) -> keras.layers.Layer:
        pairs.append((layer, exchange(layer)))
        return pairs[-1][1]

    if isinstance(model, keras.Sequential) or hasattr(model, "operations"):
        copy = keras.models.clone_model(model, clone_function=noted, recursive=True)
        if model.built and not copy.built:
            copy.build(model.input_shape)
    else:
        copy = _copy_by_its_class(model)
        pairs.append((model, copy))
    for old, new in pairs:
        for layer, twin in zip(_parts(old), _parts(new), strict=True):
            settle(layer, twin)
            twin.trainable = layer.trainable
            _carry_over(layer, twin)
    return copy


def _copy_by_its_class(model: keras.Model) -> keras.Model:
    """Copy a subclassed model: only its own code can make its layers."""
    try:
        copy = model.__class__.from_config(model.get_config())
        if model.built:
            copy(keras.KerasTensor((None, *image_shape(model))))
        same = list(map(_kind, _parts(copy))) == list(map(_kind, _parts(model)))
    except Exception as error:
        raise ValueError(_NO_COPY.format(model.name, type(model).__name__)) from error
    if not same:
        raise ValueError(_NO_COPY.format(model.name, type(model).__name__))
    return copy


_NO_COPY = (
    "{0!r} is of the class {1}, whose code could not make a copy of it with the same "
    "layers. Give {1} a `get_config` that returns what its constructor takes, and call "
    "the model once; or look at it as it is with `tap` or `activations`."
)


def _kind(layer: keras.layers.Layer) -> type:
    instrumented = isinstance(layer, InstrumentedConv2D)
    return keras.layers.Conv2D if instrumented else type(layer)


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
    trace_anew(model)
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
