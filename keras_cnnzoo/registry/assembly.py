"""Assemble a model from its family's parts: input, normalisation, body, head."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_cnnzoo import __version__
from keras_cnnzoo.axes import channel_axis, channels
from keras_cnnzoo.blocks.heads import pool_features
from keras_cnnzoo.cards import Task
from keras_cnnzoo.internals.saving import without_tensorflow
from keras_cnnzoo.layers import ColorNormalization, ModelOrigin
from keras_cnnzoo.registry.arguments import (
    checked_classes,
    checked_features,
    checked_pooling,
    checked_shape,
    configured,
)
from keras_cnnzoo.registry.how_built import Origin, packed
from keras_cnnzoo.registry.index import family_of
from keras_cnnzoo.registry.stages import default_shape, pick


@without_tensorflow()
def assemble(
    name: str,
    *,
    input_shape: tuple[int | None, ...] | None = None,
    classes: int | None = None,
    preprocessing: bool = True,
    classifier_activation: str | None = "softmax",
    features: Any = None,
    pooling: str | None = None,
    task: Task | None = None,
    **overrides: Any,
) -> keras.Model:
    """Assemble a model from its family's parts, with fresh weights.

    The arguments are those of `keras_cnnzoo.build` except `weights` and `instrument`.
    In addition, `task` replaces the family's task; None keeps it.
    """
    family = family_of(name)
    variant = family.variants[name]
    config = configured(name, variant.config, overrides)
    shape = checked_shape(name, input_shape)
    classes = checked_classes(name, family.classes if classes is None else classes)
    features = checked_features(features)
    pooling = checked_pooling(pooling, classes, features)

    inputs = keras.Input(shape, name="image")
    first: Any = ModelOrigin(name="origin")
    image = inputs
    if preprocessing:
        convention = variant.preprocessing or family.preprocessing
        if channels(inputs) == 1 and len(convention.mean) > 1:
            image = _repeated(inputs, len(convention.mean))
        matrix, offset = convention.affine(channels(image))
        first = ColorNormalization(matrix, offset, name="normalization")

    own_size = functools.partial(
        assemble,
        name,
        classes=classes,
        classifier_activation=classifier_activation,
        task=task,
        **overrides,
    )
    outputs: Any
    names: tuple[str, ...] | None = None
    with _size_in_question(name, shape, own_size):
        maps = family.body(first(image), config)
    if features is not None:
        chosen = pick(name, config, inputs, maps, features)
        names, outputs = tuple(chosen), list(chosen.values())
        # A list, since `predict` sorts dictionaries by name. For a list of one map,
        # `predict` returns the map alone, so the model does the same.
        outputs = outputs if len(outputs) > 1 else outputs[0]
    elif classes == 0:
        *_, top = maps.values()
        outputs = pool_features(top, pooling)
    else:
        options = {"classes": classes, "activation": classifier_activation}
        head = (task or family.task).head or family.head
        with _size_in_question(name, shape, own_size):
            outputs = head(maps, config, **options)
            if family.auxiliary is not None and config.auxiliary:
                inner = family.auxiliary(maps, config, **options)
                # Sorted by name, as `predict` returns them.
                outputs = dict(sorted({**inner, "head": outputs}.items()))
    first.origin = packed(
        Origin(
            name=name,
            options=overrides,
            input_shape=shape,
            classes=classes,
            preprocessing=preprocessing,
            classifier_activation=classifier_activation,
            features=names,
            pooling=pooling,
            data_format=keras.config.image_data_format(),
            version=__version__,
        )
    )
    return keras.Model(inputs, outputs, name=name)


def _repeated(grey: keras.KerasTensor, times: int) -> keras.KerasTensor:
    """Repeat the channel of a grey image for a network that takes colour images.

    The channels have different means, so normalising a single channel could not replace
    this. With repeated channels, the same weights work for grey and colour images.
    """
    wide = keras.backend.result_type(keras.config.dtype_policy().variable_dtype, float)
    repeat = keras.layers.Concatenate(channel_axis(), name="grey_to_rgb", dtype=wide)
    return repeat([grey] * times)


@contextlib.contextmanager
def _size_in_question(
    name: str, shape: tuple[int | None, ...], own_size: Callable[[], Any]
) -> Iterator[None]:
    """On an error, blame the size of the images if the model's own size works."""
    try:
        yield
    except Exception as error:
        own = default_shape(name)
        if shape == own or not _works(own_size):
            raise
        if None in shape:
            raise ValueError(
                f"{name!r} has to know the size of its images, its own are {own}: pass "
                f"`input_shape`, or `classes=0` for the features. {error}"
            ) from error
        raise ValueError(
            f"{name!r} does not fit images of shape {shape}; its own are {own}. {error}"
        ) from error


def _works(build: Callable[[], Any]) -> bool:
    try:
        build()
    except Exception:
        return False
    return True
