"""Copy a model with its weights, layer by layer."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import keras

from keras_cnnzoo.internals.become import become, taken
from keras_cnnzoo.layers.instrumented import ChannelStatistics
from keras_cnnzoo.structure.shapes import image_shape
from keras_cnnzoo.structure.walk import children

Pair: TypeAlias = tuple[keras.layers.Layer, keras.layers.Layer]


def copy_with(
    model: keras.Model,
    replace: Callable[[keras.layers.Layer], keras.layers.Layer | None],
) -> tuple[keras.Model, list[Pair]]:
    """Copy a model's layers by their configs, without the weights.

    Args:
        model: Any Keras model.
        replace: Called with each layer of a Functional or Sequential model, nested ones
            included. Returns a layer that replaces it in the copy, or None.

    Returns:
        The copy, and pairs of each copied layer and its twin in the copy.

    Raises:
        ValueError: The model is subclassed, and its class cannot copy it.
    """
    pairs: list[Pair] = []

    def made(layer: keras.layers.Layer) -> keras.layers.Layer:
        twin = replace(layer)
        if twin is None and is_graph(layer):
            twin, more = copy_with(layer, replace)
            pairs.extend(more)
        elif twin is None:
            twin = layer.__class__.from_config(layer.get_config())
            pairs.append((layer, twin))
        return twin

    if not is_graph(model):
        copy = _copy_by_its_class(model)
        return copy, [(model, copy)]
    if isinstance(model, keras.Sequential):
        copy = keras.models.clone_model(model, clone_function=made)
    else:
        copy = keras.models.clone_model(
            model, clone_function=made, call_function=call_with
        )
    if model.built and not copy.built:
        copy.build(model.input_shape)
    return copy, pairs


def call_with(layer: keras.Operation, *args: Any, **kwargs: Any) -> Any:
    """Call an operation with the recorded arguments that it accepts."""
    if isinstance(layer, keras.layers.Layer):
        kwargs = taken(layer, kwargs)
    return layer(*args, **kwargs)


def is_graph(model: keras.layers.Layer) -> bool:
    """Return whether a model is Functional or Sequential: Keras knows its graph.

    The class of functional models is not public; only functional models have
    `operations`.
    """
    return isinstance(model, keras.Sequential) or (
        isinstance(model, keras.Model) and hasattr(model, "operations")
    )


def _copy_by_its_class(model: keras.Model) -> keras.Model:
    """Copy a subclassed model by its own code, which alone can make its layers."""
    try:
        copy = model.__class__.from_config(model.get_config())
        if model.built:
            copy(keras.KerasTensor((None, *image_shape(model))))
        _align(model, copy)
    except Exception as error:
        kind = type(model).__name__
        raise ValueError(
            f"{model.name!r} is of the class {kind}, whose code could not make a copy "
            f"of it with the same layers. Give {kind} a `get_config` that returns what "
            "its constructor takes, and call the model once; or look at it as it is "
            "with `tap` or `activations`."
        ) from error
    return copy


def _align(layer: keras.layers.Layer, copy: keras.layers.Layer) -> None:
    """Replace layers in a copy if the model's have been exchanged for other classes.

    Raises:
        ValueError: They do not have the same number of layers.
    """
    for part, twin in list(zip(parts(layer), parts(copy), strict=True)):
        if type(part) is type(twin):
            _align(part, twin)
        else:
            become(twin, again(part))


def again(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Make a new layer from a layer's config, built for the same input and path."""
    return build_like(layer, layer.__class__.from_config(layer.get_config()))


def build_like(
    layer: keras.layers.Layer, new: keras.layers.Layer
) -> keras.layers.Layer:
    """Give a new layer the name of another layer, and build it for the same input."""
    new.name = layer.name
    if layer.built and not new.built:
        with contextlib.ExitStack() as scopes:
            # So that the weights have the same paths as the old ones.
            for name in (layer.path or "").split("/")[:-1]:
                scopes.enter_context(keras.name_scope(name))
            new.build_from_config(layer.get_build_config())
    return new


def twins(layer: keras.layers.Layer, twin: keras.layers.Layer) -> Iterator[Pair]:
    """Yield a layer and its copy, then all such pairs inside them, outermost first.

    Raises:
        ValueError: They do not have the same number of layers.
    """
    seen: set[int] = set()

    def walk(old: keras.layers.Layer, new: keras.layers.Layer) -> Iterator[Pair]:
        if id(old) in seen:
            return
        seen.add(id(old))
        yield old, new
        for pair in zip(parts(old), parts(new), strict=True):
            yield from walk(*pair)

    return walk(layer, twin)


def parts(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """List a layer's direct sublayers, except those that record statistics."""
    return [x for x in children(layer) if not isinstance(x, ChannelStatistics)]


def carry_over(layer: keras.layers.Layer, twin: keras.layers.Layer) -> None:
    """Copy a layer's own weights, and `trainable`, to its twin.

    Raises:
        ValueError: The shapes of the weights differ.
    """
    held: dict[str, Any] = {}
    layer.save_own_variables(held)
    # Copied: JAX donates buffers to the compiled step, so weights must not share them.
    values = {name: keras.ops.convert_to_numpy(value) for name, value in held.items()}
    twin.load_own_variables(values)
    twin.trainable = layer.trainable
