"""Check the arguments of `build`."""

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any

from keras_cnnzoo.axes import image_shape
from keras_cnnzoo.blocks.heads import POOLINGS
from keras_cnnzoo.other_names import ARGUMENTS
from keras_cnnzoo.registry.stages import default_shape


def configured(name: str, config: Any, options: Mapping[str, Any]) -> Any:
    """Return a model's configuration with the user's options.

    Raises:
        TypeError: The model does not have such an option.
    """
    known = [field.name for field in dataclasses.fields(config)]
    if unknown := sorted(options.keys() - set(known)):
        raise TypeError(
            f"{name!r} has no option {unknown[0]!r}.{_hint(unknown[0], known)} Beside "
            f"the arguments of build, it takes: {', '.join(known) or 'none'}."
        )
    return dataclasses.replace(config, **options)


def _hint(unknown: str, known: list[str]) -> str:
    if unknown in ARGUMENTS:
        return f" Here that is {ARGUMENTS[unknown]}."
    near = difflib.get_close_matches(unknown, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def checked_shape(name: str, given: Any) -> tuple[int | None, ...]:
    """Return the shape of the images; None gives the model's own.

    Raises:
        ValueError: `given` is not the shape of an image.
    """
    own = default_shape(name)
    if given is None:
        return own
    if _whole(given):
        size = int(given)
        example = tuple(own[i] if i == _channel_axis() else size for i in range(3))
        raise ValueError(f"{_SHAPE} Received: {given}. Did you mean {example}?")
    shape = tuple(given) if isinstance(given, Iterable) else ()
    sizes = [n for n in shape if n is not None]
    if len(shape) != 3 or not all(_whole(n) and n > 0 for n in sizes):
        raise ValueError(f"{_SHAPE} Received: {given!r}")
    if shape[_channel_axis()] is None:
        raise ValueError(f"The number of channels must be known. Received: {given}")
    return tuple(None if n is None else int(n) for n in shape)


_SHAPE = (
    "`input_shape` is (height, width, channels), or (channels, height, width) under "
    "channels_first, positive or None."
)


def _channel_axis() -> int:
    return image_shape((0, 1, 2)).index(2)


def _whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def checked_classes(name: str, classes: Any) -> int:
    """Return the number of classes.

    Raises:
        ValueError: `classes` is not an integer of at least 0.
    """
    if not _whole(classes) or classes < 0:
        raise ValueError(
            f"`classes` of {name!r} is a number of classes, or 0 for the features. "
            f"Received: {classes!r}"
        )
    return int(classes)


def checked_pooling(pooling: Any, classes: int, features: Any) -> str | None:
    """Return the pooling of the features.

    Raises:
        ValueError: The pooling is unknown, or the model does not output the features of
            `classes=0`.
    """
    if not (pooling is None or isinstance(pooling, str)) or pooling not in POOLINGS:
        raise ValueError(f"`pooling` is one of {list(POOLINGS)}. Received: {pooling!r}")
    if pooling is not None and (classes != 0 or features is not None):
        beside = f"classes={classes}" if features is None else f"features={features!r}"
        raise ValueError(
            "`pooling` makes one number per channel of the last map, where `classes` "
            f"is 0 and `features` is not given. Received: pooling={pooling!r} beside "
            f"{beside}."
        )
    return pooling


def checked_features(features: Any) -> Any:
    """Return which feature maps to output: True, a name or level, or a list of these.

    None stands for the output of the head instead of feature maps.

    Raises:
        ValueError: `features` is none of these, or an empty list.
    """
    if features is None or features is False:
        return None
    if features is True or isinstance(features, str) or _whole(features):
        return features
    if isinstance(features, Iterable) and not isinstance(features, Mapping):
        asked = list(features)
        if asked and all(isinstance(each, str) or _whole(each) for each in asked):
            return asked
    raise ValueError(
        "`features` is True for the maps of every stage, or a stage's name or level, "
        f"or a list of these. Received: {features!r}"
    )
