"""Freeze and unfreeze layers, for transfer learning and fine-tuning."""

import difflib
from collections.abc import Iterator
from typing import Any

import keras

from keras_cnnzoo.structure.walk import children


def freeze(model: keras.Model, upto: str | None = None) -> keras.Model:
    """Freeze the layers before a given one, so that only the end of a network trains.

    Every layer before `upto` gets `trainable = False`, including nested models and
    blocks. A frozen batch normalisation runs in inference mode, so its moving
    statistics do not change either. The layers from `upto` on are not changed; to
    freeze less than before, call `unfreeze` first.

    A compiled model is compiled again with the same settings, because the optimizer
    must know which weights it trains. The optimizer's state (momenta, step count) is
    reset.

    Args:
        model: Any built Functional or Sequential model. It is changed in place.
        upto: Name of the first layer that is not frozen. It may be in a nested or
            wrapped model. None takes the last layer with weights, the head.

    Returns:
        The same model.

    Raises:
        ValueError: No layer has that name, the model has no weights, or it was
            compiled with a loss or metric that Keras cannot recreate.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3),
        ...                           keras.layers.Dense(2, name="head")])
        >>> [layer.name for layer in freeze(model).layers if layer.trainable]
        ['head']
    """
    path = _head(model) if upto is None else _find(model, upto)
    settings = _compile_settings(model)
    for layer in _before(model, path):
        layer.trainable = False
    return _compiled(model, settings)


def unfreeze(model: keras.Model) -> keras.Model:
    """Make every layer trainable again; undoes `freeze`.

    Weights that never train, such as moving statistics and the constants of
    `ColorNormalization`, stay untrainable. A compiled model is compiled again, as by
    `freeze`. Fine-tuning usually takes a learning rate ten to a hundred times lower
    than that for training the head.

    Args:
        model: Any model. It is changed in place.

    Returns:
        The same model.

    Raises:
        ValueError: It was compiled with a loss or metric that Keras cannot recreate.
    """
    settings = _compile_settings(model)
    # On TensorFlow, setting True again where it is already True skips the sublayers.
    model.trainable = False
    model.trainable = True
    return _compiled(model, settings)


def head_paths(model: keras.Model) -> tuple[str, ...]:
    """Return the paths of the head's weights; the head is the last layer with weights.

    Raises:
        ValueError: The model has no weights.
    """
    return tuple(weight.path for weight in _head(model)[-1].weights)


def _find(model: keras.Model, name: str) -> list[keras.layers.Layer]:
    """Return the nested models around a layer, outermost first, and the layer."""
    names: dict[str, list[keras.layers.Layer]] = {}
    for path in _paths(model):
        names.setdefault(path[-1].name, path)
    if name not in names:
        near = difflib.get_close_matches(name, names, cutoff=0.5)
        hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
        raise ValueError(
            f"{model.name!r} has no layer {name!r} to freeze up to.{hint} Its last "
            f"are {', '.join([layer.name for layer in model.layers][-3:])}."
        )
    return names[name]


def _head(model: keras.Model) -> list[keras.layers.Layer]:
    paths = [
        path for path in _paths(model) if path[-1].weights and not _nests(path[-1])
    ]
    if not paths:
        raise ValueError(f"{model.name!r} has no weights, or is not built yet.")
    return paths[-1]


def _paths(model: keras.layers.Layer) -> Iterator[list[keras.layers.Layer]]:
    for layer in children(model):
        yield [layer]
        if _nests(layer):
            yield from ([layer, *rest] for rest in _paths(layer))


def _nests(layer: keras.layers.Layer) -> bool:
    # Other layers call their sublayers in an order that only their code knows.
    return isinstance(layer, keras.Model | keras.layers.Wrapper)


def _before(
    model: keras.layers.Layer, path: list[keras.layers.Layer]
) -> Iterator[keras.layers.Layer]:
    """Yield the outermost layers that come before the last layer of `path`."""
    first, *rest = path
    for layer in children(model):
        if layer is first:
            break
        yield layer
    if rest:
        yield from _before(first, rest)


def _compile_settings(model: keras.Model) -> dict[str, Any] | None:
    """Return new copies of `compile`'s arguments; None if it was not called."""
    if not model.compiled:
        return None
    try:
        return keras.saving.deserialize_keras_object(model.get_compile_config())
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{model.name!r} was compiled with a function that Keras cannot make "
            "again from its name. Freeze before `compile`, or register the function "
            "with keras.saving.register_keras_serializable."
        ) from error


def _compiled(model: keras.Model, settings: dict[str, Any] | None) -> keras.Model:
    if settings is not None:
        model.compile(**settings)
    return model
