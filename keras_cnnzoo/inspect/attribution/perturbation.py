"""Methods that change the image and measure the output, without gradients."""

import itertools
import math
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.inspect.attribution.arguments import names_of_ours
from keras_cnnzoo.inspect.attribution.maps import finish, resize, stretch
from keras_cnnzoo.inspect.attribution.model_at_map import ModelAtMap
from keras_cnnzoo.inspect.attribution.target import Target
from keras_cnnzoo.inspect.attribution.variations import (
    background,
    copies,
    one_by_one,
    scores,
    settle,
)
from keras_cnnzoo.structure.paths import Selection


@names_of_ours
def score_cam(
    model: keras.Model,
    images: Any,
    target: Target = None,
    layer: Selection | None = None,
    *,
    baseline: float | np.ndarray = 0.0,
    batch_size: int = 32,
    normalize: bool = True,
) -> np.ndarray:
    """Weigh each channel by the logit for the image masked with it (Score-CAM).

    Each channel is scaled to 0..1, interpolated to the image's size and used as a mask.
    The target's logits for all masked images, after a softmax over the channels, are
    the channels' weights. This takes a forward pass per channel, so it is slow for a
    wide layer.

    The arithmetic is torchcam's. pytorch-grad-cam interpolates with aligned corners,
    and scales to 0..1 afterwards.

    Args:
        model, images, target, layer, normalize: See `grad_cam`.
        baseline: The pixel values where a mask is 0, in the images' units: a number, or
            an array that broadcasts to one image.
        batch_size: How many masked images are computed at once.

    Returns, Raises:
        As `grad_cam`.

    Source:
        Wang et al., "Score-CAM: Score-Weighted Visual Explanations for Convolutional
        Neural Networks", 2020, algorithm 1.
    """
    seen = ModelAtMap(model, images, target, layer)
    empty = background(baseline, seen.images.shape[1:])
    channels = seen.channels_last(np.zeros((1, *seen.map_shape))).shape[-1]
    found = []
    for image, wanted in one_by_one(seen):
        answers, maps = seen.forward(copies(image, channels, batch_size))
        map_ = seen.channels_last(maps)[0]
        masks = stretch(np.moveaxis(map_, -1, 0), (1, 2))

        def masked(
            where: np.ndarray,
            image: np.ndarray = image,
            masks: np.ndarray = masks,
        ) -> tuple[np.ndarray, None]:
            mask = np.expand_dims(resize(masks[where], seen.size), seen.axis)
            return empty + mask * (image - empty), None

        wanted = settle(wanted, answers[0])
        seen_through = scores(seen, wanted, masked, channels, batch_size)
        weights = np.exp(seen_through - seen_through.max())
        found.append(map_ @ (weights / weights.sum()))
    return finish(np.stack(found), seen.size, normalize=normalize)


@names_of_ours
def occlusion(
    model: keras.Model,
    images: Any,
    target: Target = None,
    layer: Selection | None = None,
    *,
    window: int | tuple[int, int] | None = None,
    stride: int | tuple[int, int] | None = None,
    baseline: float | np.ndarray = 0.0,
    batch_size: int = 32,
    normalize: bool = True,
) -> np.ndarray:
    """Cover one window after the other, and measure how far the target's logit falls.

    Each pixel gets the mean over all windows that cover it, as in captum. `normalize`
    sets pixels to 0 where covering them raises the logit.

    Args:
        model, images, target, normalize: See `grad_cam`.
        layer: None covers windows of the image. With a layer, windows of its feature
            map are covered, in all channels.
        window: Height and width, one int for both. None uses an eighth of the image.
        stride: Step between windows, at most the window's size. None uses half of it.
        baseline: The values of covered pixels, in the units of the image or feature
            map: a number, or an array that broadcasts to one image or feature map.
        batch_size: How many covered images are computed at once.

    Returns, Raises:
        As `grad_cam`, and ValueError for a window larger than the image or a stride
        larger than the window.

    Source:
        Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2014,
        section 4.2.
    """
    seen = ModelAtMap(model, images, target, layer, pixels=True)
    size = seen.channels_last(np.zeros((1, *seen.map_shape))).shape[1:3]
    windows = _windows(size, window, stride)
    empty = background(baseline, seen.map_shape)
    found = []
    for image, wanted in one_by_one(seen):
        batch = copies(image, len(windows), batch_size)
        answers, maps = seen.forward(batch)

        def covered(
            where: np.ndarray,
            batch: np.ndarray = batch,
            map_: np.ndarray = maps[0],
        ) -> tuple[np.ndarray, np.ndarray]:
            masks = np.zeros((len(where), *size), "float32")
            for mask, i in zip(masks, where, strict=True):
                mask[windows[i]] = 1
            return batch, np.expand_dims(masks, seen.map_axis) * (empty - map_)

        wanted = settle(wanted, answers[0])
        left = scores(seen, wanted, covered, len(windows), batch_size)
        fall, times = np.zeros((2, *size))
        for part, logit in zip(windows, left, strict=True):
            fall[part] += answers[0] @ wanted - logit
            times[part] += 1
        found.append(fall / times)
    if not np.any(found):
        raise ValueError(seen.severed("it is the same whatever window is covered"))
    return finish(np.stack(found), seen.size, normalize=normalize)


def _windows(
    size: tuple[int, int], window: Any, stride: Any
) -> list[tuple[slice, ...]]:
    """Return the slices of the windows that together cover a feature map."""
    window = _pair(window, tuple(max(1, side // 8) for side in size))
    stride = _pair(stride, tuple(max(1, side // 2) for side in window))
    for side, length, step in zip(size, window, stride, strict=True):
        if not 1 <= step <= length <= side:
            raise ValueError(
                f"`window` fits into {size}, `stride` is at most the window, and both "
                f"are at least 1. Received: window={window}, stride={stride}"
            )
    starts = (
        range(0, math.ceil((side - length) / step) * step + 1, step)
        for side, length, step in zip(size, window, stride, strict=True)
    )
    return [
        tuple(
            slice(start, start + length)
            for start, length in zip(corner, window, strict=True)
        )
        for corner in itertools.product(*starts)
    ]


def _pair(value: Any, default: tuple[int, ...]) -> tuple[int, int]:
    """Return height and width, from a pair, one number for both, or None: `default`."""
    pair = (
        default if value is None else (value, value) if np.ndim(value) == 0 else value
    )
    height, width = pair
    return int(height), int(width)
