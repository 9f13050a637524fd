"""A model as a function of one of its maps, or of the images: what all methods need."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_cnnzoo.backend.forward import compiled
from keras_cnnzoo.backend.gradient import differentiate
from keras_cnnzoo.inspect.attribution.logits import logits, undo_softmax
from keras_cnnzoo.inspect.attribution.precision import full_precision
from keras_cnnzoo.inspect.attribution.target import Target, one_hot
from keras_cnnzoo.inspect.trace.layer_calls import Call, last_call, layer_calls, spatial
from keras_cnnzoo.internals.calls import observe
from keras_cnnzoo.structure.paths import Selection
from keras_cnnzoo.structure.shapes import data_format


@contextmanager
def view(
    model: keras.Model,
    images: Any,
    target: Target = None,
    layer: Selection | None = None,
    *,
    pixels: bool = False,
) -> Iterator["View"]:
    """Open a view of a model, in float32 whatever its policy.

    Args:
        model: Any built Keras model that answers an image with one vector.
        images: `(batch, height, width, channels)`, as the model takes them.
        target: See `one_hot`.
        layer: Whose map is looked at, as `paths.find` takes it; None for the last
            spatial map.
        pixels: None is the images themselves.

    Raises:
        ValueError: The images are no batch or not finite, the model's answer is no
            vector, the layer is not exactly one or gives no map, or the target is not
            in range.
    """
    pictures = np.asarray(images, "float32")
    if pictures.ndim != 4 or not len(pictures):
        raise ValueError(
            "`images` is a batch of images, (batch, height, width, channels) or with "
            f"the channels first. Received an array of shape {pictures.shape}."
        )
    if not np.isfinite(pictures).all():
        raise ValueError("`images` hold NaN or infinity.")
    with full_precision(model):
        calls = layer_calls(model, pictures.shape[1:])
        answer = calls[-1].shape
        if answer is None or len(answer) != 2:
            raise ValueError(
                f"{model.name!r} does not answer an image with a vector of classes but "
                f"with {'several tensors' if answer is None else f'shape {answer}'}. "
                "Pass a model of the one output that is to be explained."
            )
        site = None if pixels and layer is None else locate(model, calls, layer)
        yield View(
            model=model,
            images=pictures,
            wanted=one_hot(target, len(pictures), answer[1]),
            site=site,
            data_format=data_format(model),
        )


def locate(model: keras.Model, calls: list[Call], layer: Selection | None) -> Call:
    """Return the call whose map is looked at: a named layer's last, or the last map.

    The last map is what feeds the pooling or flattening before the answer: poolings at
    the end are passed over, and so are maps of one pixel.
    """
    if layer is None:
        made = [call for call in calls if call.made and call.is_map]
        if not made:
            raise ValueError(
                f"{model.name!r} holds no spatial map of more than one pixel; there "
                "is no place to show. Methods of pixels, as `saliency`, still work."
            )
        return next((call for call in reversed(made) if not _pools(call)), made[-1])
    named = last_call(model, calls, layer)
    if not named.is_map:
        raise ValueError(
            "`layer` gives maps of more than one pixel, as the last convolution does. "
            f"{named.layer.name!r} gives the shape {named.shape}."
        )
    return named


def _pools(call: Call) -> bool:
    """Tell whether a call only shrinks maps that others made."""
    weightless = not call.layer.weights
    return hasattr(call.layer, "pool_size") or (weightless and call.shrinks)


@dataclass
class View:
    """What a model answers when something is added to one of its maps.

    Attributes:
        model: The model.
        images: float32, as the model takes them.
        wanted: One row per image, weights of the answers whose sum is explained. A row
            of zeros stands for the image's own top class.
        site: The call whose map is looked at; None for the images themselves.
        data_format: Of the images.
    """

    model: keras.Model
    images: np.ndarray
    wanted: np.ndarray
    site: Call | None
    data_format: str
    _alive: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return spatial(self.images.shape, self.data_format)

    @property
    def axis(self) -> int:
        """The axis of the images' channels."""
        return 1 if self.data_format == "channels_first" else -1

    @property
    def map_shape(self) -> tuple[int, ...]:
        """Shape of one map as the site gives it."""
        shape = self.images.shape if self.site is None else self.site.shape
        assert shape is not None
        return shape[1:]

    @property
    def map_axis(self) -> int:
        """The axis of the map's channels."""
        data_format = self.data_format if self.site is None else self.site.data_format
        return 1 if data_format == "channels_first" else -1

    def channels_last(self, maps: np.ndarray) -> np.ndarray:
        """Bring maps as the site gives them to `(batch, height, width, channels)`."""
        return np.moveaxis(maps, self.map_axis, -1)

    def forward(self, images: np.ndarray, added: np.ndarray | None = None):
        """Return the answers, and the map with what was added to it."""
        return _arrays(self._forward(self._added(images, added), images))

    def gradient(
        self, images: np.ndarray, wanted: np.ndarray, added: np.ndarray | None = None
    ):
        """Return the answers, the map, and the gradient of what is wanted by the map.

        Raises:
            ValueError: The answers do not depend on the map.
        """
        others, gradient = self._gradient(self._added(images, added), images, wanted)
        if gradient is None:
            raise ValueError(self.severed("there is no gradient"))
        gradient = ops.convert_to_numpy(gradient)
        self._alive = self._alive or bool(gradient.any())
        return *_arrays(others), gradient

    def check_gradient(self) -> None:
        """Raise where every gradient so far was zero: their maps would be blank."""
        if not self._alive:
            raise ValueError(self.severed("the gradient is zero for all images"))

    def severed(self, what: str) -> str:
        """Say that the answers do not depend on what is looked at."""
        where = f"the map of {self.site.layer.name!r}" if self.site else "the images"
        return (
            f"What {self.model.name!r} answers does not depend on {where}: {what}. "
            "Name a layer on the way from the images to the answer, and look for "
            "operations that hold gradients back."
        )

    def _added(self, images: np.ndarray, added: np.ndarray | None) -> np.ndarray:
        if added is not None:
            return added.astype("float32")
        return np.zeros((len(images), *self.map_shape), "float32")

    @cached_property
    def _forward(self):
        return compiled(self.model, self._answer)

    @cached_property
    def _gradient(self):
        return differentiate(self.model, self._score)

    def _score(self, added, images, wanted):
        answers, maps = self._answer(added, images)
        top = ops.one_hot(ops.argmax(answers, -1), answers.shape[-1])
        chosen = ops.any(ops.not_equal(wanted, 0.0), -1, keepdims=True)
        return ops.sum(answers * ops.where(chosen, wanted, top)), (answers, maps)

    def _answer(self, added, images):
        if self.site is None:
            images = maps = images + added
        calls = 0

        def add(layer, inputs, output):
            nonlocal calls, maps
            if self.site is None or layer is not self.site.layer:
                return None
            calls += 1
            if calls != self.site.number + 1:
                return None
            maps = output + ops.cast(added, output.dtype)
            return maps

        with logits(self.model), observe(add):
            answers = self.model(images, training=False)
        return undo_softmax(ops.cast(answers, "float32")), ops.cast(maps, "float32")


def _arrays(tensors: tuple) -> tuple[np.ndarray, ...]:
    return tuple(ops.convert_to_numpy(tensor) for tensor in tensors)
