"""Keep what was made for a model, as a compiled pass, while it stays the same."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from types import BuiltinFunctionType, FunctionType
from typing import Any, TypeVar, cast

import keras

from keras_cnnzoo.internals.layers import tracked_layers
from keras_cnnzoo.structure.paths import Selection

T = TypeVar("T")
#: So many things are kept of a model, those that were used last.
MOST = 16
_VALUES = frozenset((bool, int, float, str, type(None)))
_IDENTITIES = frozenset((FunctionType, BuiltinFunctionType, tuple, list, type))
#: What `fit`, `evaluate` and `predict` change of a model, and its passes do not use.
_OF_RUNS = frozenset(
    f"{word}_{kind}"
    for word in ("stop", "train", "test", "predict")
    for kind in ("function", "training", "evaluating", "predicting")
) | {"steps_per_execution", "compiled"}


class _Kept:
    """What is kept of one model, and how the model was then."""

    def __init__(self, state: tuple[Any, ...], layers: list[weakref.ref[Any]]) -> None:
        self.state = state
        self.layers = layers
        self.made: OrderedDict[Hashable, Any] = OrderedDict()


_MODELS: weakref.WeakKeyDictionary[keras.Model, _Kept] = weakref.WeakKeyDictionary()
_LOCK = threading.RLock()


def kept(model: keras.Model, key: Hashable, make: Callable[[], T]) -> T:
    """Return what `make` gives; what it gave before, if the model is still the same.

    A model is another as soon as a layer was exchanged, or an attribute of a layer that
    is a number, a text or a function, such as `activation`, `trainable` or the dtype
    policy. The values of weights may change.

    Args:
        model: The model. What is kept of it goes when it does, so that what `make`
            gives must not hold the model, nor a layer that may hold it, but by weak
            references.
        key: What is made.
        make: Makes it.
    """
    layers = tracked_layers(model)
    state = _state(model, layers)
    with _LOCK:
        known = _MODELS.get(model)
        if (
            known is None
            or known.state != state
            or any(
                one() is not layer
                for one, layer in zip(known.layers, layers, strict=True)
            )
        ):
            known = _MODELS[model] = _Kept(state, list(map(weakref.ref, layers)))
        if key in known.made:
            known.made.move_to_end(key)
            return known.made[key]
    made = make()
    with _LOCK:
        known.made[key] = made
        while len(known.made) > MOST:
            known.made.popitem(last=False)
    return made


def selection_key(layers: Selection | None) -> Hashable:
    """Return what is equal for equal selections, and holds no layer."""
    if isinstance(layers, keras.layers.Layer):
        return id(layers)
    if isinstance(layers, Sequence) and not isinstance(layers, str):
        return tuple(selection_key(part) for part in layers)
    return cast(Hashable, layers)


def _state(model: keras.Model, layers: list[keras.layers.Layer]) -> tuple[Any, ...]:
    settings = (
        keras.config.image_data_format(),
        id(keras.distribution.distribution()),
        model.run_eagerly,
        tuple(map(id, model.variables)),
    )
    return settings, tuple(_of_layer(layer) for layer in layers)


def _of_layer(layer: keras.layers.Layer) -> tuple[Any, ...]:
    aside = _OF_RUNS if isinstance(layer, keras.Model) else ()
    attributes = [
        value if type(value) in _VALUES else id(value)
        for name, value in vars(layer).items()
        if (type(value) in _VALUES or type(value) in _IDENTITIES)
        and name not in aside
        and name[0] != "_"
    ]
    return layer.trainable, layer.dtype_policy.name, *attributes
