"""Replace layers of any model, in a copy or in place."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import keras

from keras_cnnzoo.internals.become import become
from keras_cnnzoo.internals.retracing import trace_anew
from keras_cnnzoo.structure.paths import Selection, find
from keras_cnnzoo.surgery.copying import (
    again,
    build_like,
    carry_over,
    copy_with,
    parts,
    twins,
)

#: The replacement of a layer: None keeps the layer, a list is applied in sequence, and
#: an empty list removes the layer.
Instead: TypeAlias = keras.layers.Layer | Sequence[keras.layers.Layer] | None
Change: TypeAlias = Callable[[keras.layers.Layer], Instead]


def exchange(
    model: keras.Model,
    change: Change,
    layers: Selection = keras.layers.Layer,
    *,
    in_place: bool = False,
) -> keras.Model:
    """Return the same model with some of its layers replaced, added or removed.

    It works on Functional, Sequential and subclassed models, in nested models and
    inside blocks. A new layer gets the old one's name. If it is not built yet, it is
    built for the same input, and gets the old one's weights if they fit. Sublayers of a
    replaced layer are not visited.

    Args:
        model: Any Keras model.
        change: Called with each selected layer. Returns None to keep it, a new layer,
            or a list of layers to apply in sequence, which may contain the layer
            itself. A list becomes a `Sequential`; an empty list removes the layer, and
            an `Identity` takes its place.
        layers: The layers to select, as for `keras_cnnzoo.inspect.find`; by default
            all.
        in_place: Whether to change the model itself. It must then be compiled again,
            since its optimizer refers to the old weights. Otherwise the model does not
            change, and the copy is not compiled.

    Returns:
        The copy, or the model itself.

    Raises:
        ValueError: `layers` matches nothing; a new layer does not fit the input; or the
            model is subclassed, and its class cannot copy it.

    Note:
        Replacements in our blocks, and in Functional and Sequential models, are saved
        with the model. A subclassed model is rebuilt by its own code when it is loaded,
        and then has its original layers.

    Example:
        >>> act = keras.layers.ReLU(name="act")
        >>> model = keras.Sequential([keras.Input((4,)), act])
        >>> smooth = lambda layer: keras.layers.Activation("silu")
        >>> exchange(model, smooth, "act").layers
        [<Activation name=act, built=True>]
    """
    chosen = {id(layer) for layer in find(model, layers).values()}
    exchanged: dict[int, keras.layers.Layer] = {}

    def replace(layer: keras.layers.Layer) -> keras.layers.Layer | None:
        if id(layer) not in chosen or isinstance(layer, keras.layers.InputLayer):
            return None
        if id(layer) not in exchanged:
            instead = change(layer)
            if instead is None or instead is layer:
                chosen.remove(id(layer))
                return None
            exchanged[id(layer)] = _fitted(layer, instead)
        return exchanged[id(layer)]

    if in_place:
        _exchange_inside(model, model, replace, set())
        if model.compiled:
            trace_anew(model)
        return model
    copy, pairs = copy_with(model, replace)
    for old, new in pairs:
        _exchange_inside(old, new, replace, set())
    return copy


def _exchange_inside(
    old: keras.layers.Layer,
    new: keras.layers.Layer,
    replace: Callable[[keras.layers.Layer], keras.layers.Layer | None],
    seen: set[int],
) -> None:
    """Replace layers inside a layer's copy, and copy the weights of the others."""
    if id(old) in seen:
        return
    seen.add(id(old))
    if old is not new:
        carry_over(old, new)
    for part, twin in list(zip(parts(old), parts(new), strict=True)):
        instead = replace(part)
        if instead is None:
            _exchange_inside(part, twin, replace, seen)
        elif id(part) not in seen:
            seen.add(id(part))
            become(twin, instead)


def _fitted(layer: keras.layers.Layer, instead: Instead) -> keras.layers.Layer:
    """Return a layer's replacement, built, with the layer's name and weights."""
    if isinstance(instead, keras.layers.Layer):
        fresh = not instead.built
        build_like(layer, instead)
        if fresh and instead.built:
            _take_over(layer, instead)
        return instead
    several = [_copied(layer) if part is layer else part for part in instead or ()]
    if not several:
        # The dtype by name, since Keras cannot save an `Identity` with a dtype policy.
        return build_like(layer, keras.layers.Identity(dtype=layer.compute_dtype))
    return build_like(layer, keras.Sequential(several))


def _copied(layer: keras.layers.Layer) -> keras.layers.Layer:
    copy = again(layer)
    _take_over(layer, copy)
    return copy


def _take_over(layer: keras.layers.Layer, new: keras.layers.Layer) -> None:
    """Copy the weights of the old layer to the new one, if they fit."""
    try:
        pairs = list(twins(layer, new))
        for old, twin in pairs:
            carry_over(old, twin)
    except (ValueError, KeyError):
        return  # It has other weights, since it computes something else.
