"""Put a model together from its family's parts: input, normalisation, body, head."""

import dataclasses
import difflib
import functools
from typing import Any, NamedTuple

import keras

from keras_cnnzoo import __version__
from keras_cnnzoo.blocks.axes import channels, image_shape
from keras_cnnzoo.blocks.heads import POOLINGS, pool_features
from keras_cnnzoo.cards import Task
from keras_cnnzoo.layers import ColorNormalization, ModelOrigin
from keras_cnnzoo.registry.index import family_of
from keras_cnnzoo.registry.origin import Origin, packed


class Stage(NamedTuple):
    """One feature map that a model can give."""

    name: str
    stride: int
    channels: int


def default_shape(name: str) -> tuple[int | None, ...]:
    """Return the model's own input shape, in the configured data format."""
    family = family_of(name)
    return image_shape(family.variants[name].input_shape or family.input_shape)


@functools.cache
def stages(name: str) -> tuple[Stage, ...]:
    """Read off the maps of a body built at the default size, which is known."""
    base: tuple[Any, ...] = default_shape(name)
    first = 0 if keras.config.image_data_format() == "channels_last" else 1
    wider = tuple(n + _GROWTH if i == first else n for i, n in enumerate(base))
    maps = _maps(name, base)
    exact = all(base[first] % x.shape[1 + first] == 0 for x in maps.values())
    # Without padding a map is smaller than size / stride; its growth tells the stride.
    grown = None if exact else _maps(name, wider)
    found = []
    for stage, x in maps.items():
        size = x.shape[1 + first]
        if grown is None:
            stride = base[first] // size
        else:
            stride = _GROWTH // (grown[stage].shape[1 + first] - size)
        found.append(Stage(stage, stride, channels(x)))
    return tuple(found)


#: A multiple of every stride in the zoo; OverFeat's are multiples of 3.
_GROWTH = 64 * 9


def _maps(name: str, shape: tuple) -> dict:
    family = family_of(name)
    maps = family.body(keras.Input(shape), family.variants[name].config)
    return {stage: x for stage, x in maps.items() if len(x.shape) == 4}


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

    The arguments are those of `keras_cnnzoo.build`; beside them, `task` says what the
    model is for, None what its family says.
    """
    family = family_of(name)
    variant = family.variants[name]
    config = _override(name, variant.config, overrides)
    shape = _input_shape(name, input_shape)
    classes = _classes(name, family.classes if classes is None else classes)
    if pooling not in POOLINGS:
        raise ValueError(f"`pooling` is one of {list(POOLINGS)}. Received: {pooling!r}")

    inputs = keras.Input(shape, name="image")
    first: Any = ModelOrigin(name="origin")
    if preprocessing:
        convention = variant.preprocessing or family.preprocessing
        matrix, offset = convention.affine(channels(inputs))
        first = ColorNormalization(matrix, offset, name="normalization")
    chosen = None
    try:
        maps = family.body(first(inputs), config)
        *_, top = maps.values()
        if features is not None and features is not False:
            outputs = chosen = _pick(name, maps, features)
        elif classes == 0:
            outputs = pool_features(top, pooling)
        else:
            top_of = {"classes": classes, "activation": classifier_activation}
            outputs = ((task or family.task).head or family.head)(
                maps, config, **top_of
            )
            if family.auxiliary is not None and config.auxiliary:
                outputs = {"head": outputs} | family.auxiliary(maps, config, **top_of)
    except ValueError as error:
        if shape == default_shape(name):
            raise
        if None in shape:
            raise ValueError(
                f"{name!r} has to know the size of its images, its own are "
                f"{default_shape(name)}: pass `input_shape`, or `classes=0` for the "
                f"features. {error}"
            ) from error
        raise ValueError(
            f"{name!r} does not fit images of shape {shape}; its own are "
            f"{default_shape(name)}. {error}"
        ) from error
    first.origin = packed(
        Origin(
            name=name,
            options=overrides,
            input_shape=shape,
            classes=classes,
            preprocessing=preprocessing,
            classifier_activation=classifier_activation,
            features=None if chosen is None else tuple(chosen),
            pooling=pooling,
            data_format=keras.config.image_data_format(),
            version=__version__,
        )
    )
    return keras.Model(inputs, outputs, name=name)


def _override(name: str, config: Any, overrides: dict[str, Any]) -> Any:
    known = [field.name for field in dataclasses.fields(config)]
    if unknown := sorted(overrides.keys() - set(known)):
        near = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise TypeError(
            f"{name!r} has no option {unknown[0]!r}.{hint} Beside the arguments of "
            f"build, it takes: {', '.join(known) or 'none'}."
        )
    return dataclasses.replace(config, **overrides)


def _input_shape(name: str, given: tuple[int | None, ...] | None) -> tuple:
    if given is None:
        return default_shape(name)
    sizes = [n for n in given if n is not None]
    if len(given) != 3 or not all(isinstance(n, int) and n > 0 for n in sizes):
        raise ValueError(
            "`input_shape` is (height, width, channels), or (channels, height, width) "
            f"under channels_first, positive or None. Received: {given}"
        )
    if given[image_shape((0, 1, 2)).index(2)] is None:
        raise ValueError(f"The number of channels must be known. Received: {given}")
    return tuple(given)


def _classes(name: str, classes: int) -> int:
    if not isinstance(classes, int) or classes < 0:
        raise ValueError(
            f"`classes` of {name!r} is a number of classes, or 0 for the features. "
            f"Received: {classes!r}"
        )
    return classes


def _pick(name: str, maps: dict, features: Any) -> dict:
    """Choose maps by name, or by level: level n is the last map of stride 2**n."""
    if features is True:
        return maps
    if isinstance(features, str | int):
        features = (features,)
    levels = {stage.stride.bit_length() - 1: stage.name for stage in stages(name)}
    chosen = [levels.get(f) if isinstance(f, int) else f for f in features]
    for asked, stage in zip(features, chosen, strict=True):
        if stage not in maps:
            raise ValueError(
                f"{name!r} has no features {asked!r}. By name: {', '.join(maps)}; "
                f"by level: {', '.join(map(str, sorted(levels)))}."
            )
    return {stage: maps[stage] for stage in chosen}
