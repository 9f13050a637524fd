"""Weights that Keras itself publishes, moved into our form of Keras Applications.

Keras builds the application with its weights; layer by layer they are copied to the
layer of the same name here. What its own first layers and `preprocess_input` do to
the pixels goes into our normalisation, so that images of 0..255 are all it takes.
"""

import contextlib
import dataclasses
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.blocks import graph
from keras_cnnzoo.blocks.axes import channels, image_shape
from keras_cnnzoo.cards import Preprocessing
from keras_cnnzoo.layers import ColorNormalization
from keras_cnnzoo.models import keras_applications
from keras_cnnzoo.registry import card, family_of
from keras_cnnzoo.weights import layout


def load(
    model: keras.Model,
    source: str | os.PathLike = "imagenet",
    **options: Any,
) -> keras.Model:
    """Load weights of Keras Applications into a model of that family.

    Whatever fits is kept: another number of classes starts the classifier anew, and
    another number of channels adapts the first kernel, by its sum over the channels
    where the image has one, by repeating and rescaling it otherwise. Both are said in
    one warning.

    Args:
        model: A model that the registry assembled under a `keras_...` name.
        source: "imagenet", which Keras downloads, or the path of an `.h5` or
            `.weights.h5` file of the application, with its top or without.
        **options: Options of the architecture that the model was built with, such as
            `alpha`.

    Returns:
        The model, which now holds the weights.

    Raises:
        FileNotFoundError: `source` is a path, and there is no file.
        ValueError: The model is of another family, or the file of another network.
    """
    if family_of(model.name) is not keras_applications.FAMILY:
        raise ValueError(
            f"Weights of Keras Applications are for models named 'keras_...'. "
            f"Received: {model.name!r}"
        )
    config = family_of(model.name).variants[model.name].config
    config = dataclasses.replace(config, **options)
    with _full_precision():
        if str(source) == "imagenet":
            published = _published(model, config)
        else:
            published = _from_file(model, config, Path(source))
        calls = graph.calls(published)
        seen = _convention(model.name, calls)
    notes = _copy(model, calls, seen)
    for layer in model.layers:
        if isinstance(layer, ColorNormalization):
            layer.set_weights(seen.affine(channels(model.input)))
    if notes:
        warnings.warn(
            f"{model.name!r} has the weights of {str(source)!r}, but "
            f"{', '.join(notes)}.",
            stacklevel=2,
        )
    return model


@contextlib.contextmanager
def _full_precision() -> Iterator[None]:
    """Keep a mixed policy from rounding the constants that are read off a network."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def _classes(model: keras.Model) -> int | None:
    """Return the classes of a model with a top, None for one that gives features."""
    answer = model.output
    if isinstance(answer, keras.KerasTensor) and len(answer.shape) == 2:
        last = model.operations[-1]
        if not isinstance(last, graph.GLOBAL_POOLING) and last.name != "features":
            return answer.shape[-1]
    return None


def _published(model: keras.Model, config) -> keras.Model:
    return keras_applications.application(
        config,
        weights="imagenet",
        include_top=_classes(model) is not None,
        input_shape=card(model.name).input_shape,
    )


def _from_file(model: keras.Model, config, path: Path) -> keras.Model:
    """Load a file into the application, with the top it was saved with or without."""
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no weights file {str(path)!r}. Pass the path of an .h5 or "
            ".weights.h5 file of the application, or 'imagenet'."
        )
    own = _classes(model)
    tops: list[dict[str, Any]] = [
        {"include_top": True, "classes": n} for n in dict.fromkeys((own, 1000))
    ]
    bare: dict[str, Any] = {"include_top": False}
    tries = [*tops, bare] if own else [bare, tops[-1]]
    for arguments in tries:
        application = keras_applications.application(
            config, input_shape=_size(model), **arguments
        )
        try:
            application.load_weights(path)
        except (ValueError, KeyError) as error:
            reason = error
            continue
        return application
    raise ValueError(
        f"{str(path)!r} does not hold weights of keras.applications.{config.function}, "
        f"with its top or without. {reason}"
    )


def _size(model: keras.Model) -> tuple[int | None, ...]:
    """Return the shape of the model's images in colour, or the default where unknown.

    The size matters to tops that flatten: they fit images of one size alone.
    """
    depth = image_shape((0, 1, 2)).index(2)
    given = tuple(
        3 if axis == depth else n for axis, n in enumerate(model.input_shape[1:])
    )
    return card(model.name).input_shape if None in given else given


def _convention(name: str, calls: list[graph.Call]) -> Preprocessing:
    """Fold what the application asks of its users and what its first layers do."""
    ours = card(name).preprocessing
    leading = [call.operation for call in graph.preprocessing(calls)]
    if not leading:
        return ours

    def see(pixels):
        for layer in leading:
            pixels = layer(pixels)
        return keras.ops.convert_to_numpy(pixels)

    found = keras_applications.convention(see)
    # EfficientNet's published file has the standard deviation where Keras expects the
    # variance; `weights="imagenet"` adds a layer that makes up for it, but a network
    # that loads the same numbers from a path lacks that layer.
    return ours if np.allclose(found.mean, ours.mean, atol=0.01) else found


def _copy(
    model: keras.Model, calls: list[graph.Call], seen: Preprocessing
) -> list[str]:
    """Copy weights from layer to layer by name; return what did not go as published."""
    names = graph.plain_names(calls)
    top = graph.head(calls) if len(calls[-1].output.shape) == 2 else []
    replaceable = {call.operation.name for call in top}
    operations = [c.operation for c in calls[len(graph.preprocessing(calls)) :]]
    stem, *others = [o for o in operations if getattr(o, "weights", ())]
    waiting = {
        layer.name: layer
        for layer in model.layers
        if layer.weights and not isinstance(layer, ColorNormalization)
    }
    notes = []
    for old in (stem, *others):
        new = waiting.pop(names[old.name], None)
        if new is None:
            continue
        values = old.get_weights()
        depth = channels(model.input)
        if old is stem and depth != 3:
            notes.append(f"{new.name!r} was adapted from 3 channels to {depth}")
            kernel = values[0]
            if seen.order == "bgr":  # the normalisation swaps only three channels
                kernel = kernel[:, :, ::-1]
            shape = (*kernel.shape[:2], depth, kernel.shape[3])
            values[0] = layout.fit_stem(kernel, shape, layout="keras")
        given, wanted = [v.shape for v in values], [tuple(w.shape) for w in new.weights]
        if given == wanted:
            new.set_weights(values)
        elif old.name in replaceable:
            notes.append(
                f"{new.name!r} starts anew, {given[0]} there, {wanted[0]} here"
            )
        else:
            raise ValueError(
                f"The weights are of another network: {new.name!r} has shapes {given} "
                f"there and {wanted} in {model.name!r}."
            )
    return notes + [f"{name!r} starts anew" for name in waiting]
