"""Make the convolutions of a model record their outputs, and undo that."""

from typing import get_args

import keras

from keras_cnnzoo.layers import InstrumentedConv2D
from keras_cnnzoo.layers.checks import check_choice
from keras_cnnzoo.layers.instrumented import Record
from keras_cnnzoo.structure.paths import CONVOLUTION, Selection, find, layer_paths
from keras_cnnzoo.surgery.exchanging import exchange


def instrument(
    model: keras.Model, layers: Selection = CONVOLUTION, *, record: Record = "stats"
) -> keras.Model:
    """Return a copy of a model whose 2D convolutions are instrumented.

    Every selected `Conv2D` becomes an `InstrumentedConv2D`, also in nested models,
    blocks and subclassed models. Subclasses of `Conv2D` are not replaced. The weights
    are copied, and the model itself does not change. `plain` undoes it.

    Args:
        model: Any Keras model. If the class of a Functional model has its own
            constructor, the copy is a `keras.Model` of the same layers. A subclassed
            model is copied by its `from_config`; when such a copy is saved and loaded,
            its layers are plain again.
        layers: The layers to select, as for `find`. A selected block or model stands
            for all convolutions inside it. By default all convolutions are selected.
        record: "off", "stats" or "maps"; see `InstrumentedConv2D`.

    Raises:
        ValueError: `record` is not one of these; `layers` matches nothing, or no
            `Conv2D`; or the model is subclassed, and its class cannot copy it.

    Example:
        >>> from keras_cnnzoo.inspect import find
        >>> conv = keras.layers.Conv2D(2, 3, name="conv")
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), conv])
        >>> find(instrument(model), InstrumentedConv2D)
        {'conv': <InstrumentedConv2D name=conv, built=True>}
    """
    check_choice("record", record, get_args(Record))

    def recording(layer: keras.layers.Layer) -> keras.layers.Layer:
        return InstrumentedConv2D.from_config(layer.get_config() | {"record": record})

    return exchange(model, recording, _convolutions(model, layers))


def plain(model: keras.Model) -> keras.Model:
    """Return a copy of a model whose instrumented convolutions are `Conv2D` again.

    The weights are copied, but not the statistics.

    Args:
        model: Any Keras model, such as one that `instrument` returned.

    Raises:
        ValueError: The model is subclassed, and its class cannot copy it.
    """

    def silent(layer: keras.layers.Layer) -> keras.layers.Layer | None:
        if type(layer) is not InstrumentedConv2D:
            return None
        config = layer.get_config()
        for name in ("record", "momentum", "sample"):
            del config[name]
        return keras.layers.Conv2D.from_config(config)

    return exchange(model, silent)


def _convolutions(model: keras.Model, layers: Selection) -> list[keras.layers.Layer]:
    """Return the selected convolutions, and those inside selected blocks or models."""
    matched = tuple(find(model, layers))
    within = tuple(f"{path}/" for path in matched)
    found = [
        layer
        for path, layer in layer_paths(model).items()
        if type(layer) in (keras.layers.Conv2D, InstrumentedConv2D)
        and (path in matched or path.startswith(within))
    ]
    if not found:
        raise ValueError(
            f"None of these layers of {model.name!r} is a Conv2D, or holds one: "
            f"{', '.join(matched)}."
        )
    return found
