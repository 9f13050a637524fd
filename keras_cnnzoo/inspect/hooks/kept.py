"""Cache what was made for a model, such as a compiled pass, until the model changes."""

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
#: The most objects to cache per model; the least recently used are dropped.
MOST = 16
_VALUES = frozenset((bool, int, float, str, type(None)))
_IDENTITIES = frozenset((FunctionType, BuiltinFunctionType, tuple, list, type))
#: Attributes that `fit`, `evaluate` and `predict` change, but passes do not depend on.
_OF_RUNS = frozenset(
    f"{word}_{kind}"
    for word in ("stop", "train", "test", "predict")
    for kind in ("function", "training", "evaluating", "predicting")
) | {"steps_per_execution", "compiled"}


class _Kept:
    """The cached objects of one model, and the model's state when they were made."""

    def __init__(self, state: tuple[Any, ...], layers: list[weakref.ref[Any]]) -> None:
        self.state = state
        self.layers = layers
        self.made: OrderedDict[Hashable, Any] = OrderedDict()


_MODELS: weakref.WeakKeyDictionary[keras.Model, _Kept] = weakref.WeakKeyDictionary()
_LOCK = threading.RLock()


def kept(model: keras.Model, key: Hashable, make: Callable[[], T]) -> T:
    """Return the result of `make`, from the cache if the model has not changed.

    A model has changed if a layer was replaced, or if a public attribute of a layer
    that is a number, string or function has changed, such as `activation`, `trainable`
    or the dtype policy. New values of weights are not a change.

    Args:
        model: The model. Its cached objects are freed with it. Therefore they may refer
            to the model, or to a layer that may refer to it, only by weak references.
        key: Identifies the object among those of the model.
        make: Creates the object.
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
    """Return a key that is equal for equal selections, and does not refer to layers."""
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
