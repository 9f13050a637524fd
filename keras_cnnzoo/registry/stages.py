"""The feature maps of a network: their strides, and how to select them."""

import functools
from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any, NamedTuple

import keras

from keras_cnnzoo.axes import channels, image_shape, spatial_axes
from keras_cnnzoo.registry.index import family_of


class Stage(NamedTuple):
    """One feature map that a model can output.

    Attributes:
        name: Its name for `build(..., features=...)`.
        stride: Pixels of the image from one position of the feature map to the next.
            None if this is not an integer, or if the size of the feature map does not
            depend on the image's.
        channels: Number of its channels.
    """

    name: str
    stride: int | None
    channels: int


#: Height and channels of feature maps, by name.
Sizes = dict[str, tuple[int, int]]
Body = Callable[[Any, Any], Mapping[str, Any]]
#: Pixels by which the image is enlarged to measure strides. The first is a multiple of
#: nearly all strides, including OverFeat's multiples of 3; the second adds ConvMixer's
#: multiples of 7.
_GROWTHS = (64 * 9, 64 * 9 * 7)


def default_shape(name: str) -> tuple[int | None, ...]:
    """Return the model's own input shape, in the configured data format."""
    family = family_of(name)
    return image_shape(family.variants[name].input_shape or family.input_shape)


def stages(name: str) -> tuple[Stage, ...]:
    """Return the feature maps of a model with its default options, in order."""
    family = family_of(name)
    body, config = family.body, family.variants[name].config
    return stages_of(body, config, default_shape(name))


def stages_of(
    body: Body,
    config: Any,
    shape: tuple[int | None, ...],
    maps: Mapping[str, Any] | None = None,
) -> tuple[Stage, ...]:
    """Find the strides by how much feature maps grow if the image is enlarged.

    The size of a feature map does not tell its stride: without padding, it is smaller
    than the image's size divided by the stride.

    Args:
        body: A family's body.
        config: Its configuration.
        shape: Shape of the images, of known height.
        maps: The body's feature maps for that shape, if they exist already.
    """
    small = _sizes(body, config, shape) if maps is None else _sizes_of(maps)
    strides: dict[str, int] = {}
    for by in _GROWTHS:
        wider = list(shape)
        wider[_height_axis()] += by  # type: ignore[operator]
        large = _sizes(body, config, tuple(wider))
        growth = {name: large[name][0] - height for name, (height, _) in small.items()}
        strides |= {name: by // n for name, n in growth.items() if n and by % n == 0}
        # Try the larger growth only for feature maps that grow less than the image.
        if all(name in strides or not 0 < n < by for name, n in growth.items()):
            break
    return tuple(
        Stage(name, strides.get(name), depth) for name, (_, depth) in small.items()
    )


def _height_axis() -> int:
    """Return the axis of the height in the shape of one image."""
    return spatial_axes()[0] - 1


def _sizes(body: Body, config: Any, shape: tuple[int | None, ...]) -> Sizes:
    try:
        return _remembered_sizes(body, config, shape, _height_axis())
    except TypeError:  # a configuration with a list is unhashable, so it is not cached
        return _sizes_of(body(keras.Input(shape), config))


@functools.lru_cache(maxsize=512)
def _remembered_sizes(
    body: Body, config: Any, shape: tuple[int | None, ...], axis: int
) -> Sizes:
    return _sizes_of(body(keras.Input(shape), config))


def _sizes_of(maps: Mapping[str, Any]) -> Sizes:
    axis = 1 + _height_axis()
    spatial = {name: x for name, x in maps.items() if len(x.shape) == 4}
    return {name: (x.shape[axis], channels(x)) for name, x in spatial.items()}


def pick(
    name: str, config: Any, inputs: Any, maps: Mapping[str, Any], features: Any
) -> dict[str, Any]:
    """Choose feature maps by name, or by level: level n is the last of stride `2**n`.

    Args:
        name: The model's name.
        config: Its configuration.
        inputs: The images from which the feature maps are computed.
        maps: All feature maps of the model by name.
        features: As `keras_cnnzoo.build` takes it.

    Returns:
        The chosen feature maps by name, in the requested order.

    Raises:
        ValueError: The model has no such feature map, or one was requested twice.
    """
    if features is True:
        return dict(maps)
    asked = [features] if isinstance(features, str | Integral) else list(features)
    levels: dict[Any, str] = {}
    if not all(isinstance(each, str) and each in maps for each in asked):
        levels = _levels(name, config, inputs, maps)
    chosen = [each if isinstance(each, str) else levels.get(each) for each in asked]
    for each, stage in zip(asked, chosen, strict=True):
        if stage not in maps:
            raise ValueError(
                f"{name!r} has no features {each!r}. By name: {', '.join(maps)}; "
                f"by level: {', '.join(map(str, sorted(levels))) or 'none'}."
            )
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"`features` asks for one map twice: {asked} are {chosen}.")
    return {str(stage): maps[str(stage)] for stage in chosen}


def _levels(
    name: str, config: Any, inputs: Any, maps: Mapping[str, Any]
) -> dict[Any, str]:
    shape = list(inputs.shape[1:])
    known: Mapping[str, Any] | None = maps
    if shape[_height_axis()] is None:
        shape[_height_axis()] = default_shape(name)[_height_axis()]
        known = None
    found = stages_of(family_of(name).body, config, tuple(shape), known)
    return {
        stage.stride.bit_length() - 1: stage.name
        for stage in found
        if stage.stride and stage.stride.bit_count() == 1
    }
