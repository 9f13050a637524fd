"""A model as a function of one of its feature maps, or of the images."""

import warnings
import weakref
from collections.abc import Hashable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_cnnzoo.axes import channel_axis, spatial
from keras_cnnzoo.backend.forward import compiled, to_numpy
from keras_cnnzoo.backend.gradient import differentiate
from keras_cnnzoo.inspect.attribution.location import locate
from keras_cnnzoo.inspect.attribution.logits import answer_in_logits
from keras_cnnzoo.inspect.attribution.precision import full_precision
from keras_cnnzoo.inspect.attribution.target import Target, one_hot
from keras_cnnzoo.inspect.hooks.inputs import as_model_takes, batch_of_images
from keras_cnnzoo.inspect.hooks.kept import kept, selection_key
from keras_cnnzoo.inspect.trace.layer_calls import layer_calls
from keras_cnnzoo.internals.calls import observe
from keras_cnnzoo.structure.paths import Selection
from keras_cnnzoo.structure.shapes import data_format


class ModelAtMap:
    """A model's output, and its gradient for one feature map, on a batch of images.

    Everything is computed in float32, whatever the model's dtype policy. If the model
    ends in a softmax or sigmoid, its output here is the logits. The model is not
    changed.

    Args:
        model: Any built Keras model that outputs one vector per image.
        images: `(batch, height, width, channels)`, preprocessed as for `model(images)`.
        target: See `one_hot`.
        layer: The layer whose feature map is used, as `find` takes it. None uses the
            last feature map.
        pixels: Whether to use the images instead of a feature map if `layer` is None.

    Attributes:
        images: The images in float32.
        wanted: One row of weights per image. The weighted sum of the logits is
            explained. A row of zeros stands for the image's own top class.
        size: Height and width of the images.
        axis: The channel axis of the images.
        map_shape: Shape of the feature map for one image, in the layer's data format.
        map_axis: The channel axis of the feature map.

    Raises:
        ValueError: The images are not a batch or not finite, the model's output is not
            a vector, `layer` does not match exactly one layer or that layer outputs no
            feature map, or the target is out of range.
    """

    def __init__(
        self,
        model: keras.Model,
        images: Any,
        target: Target = None,
        layer: Selection | None = None,
        *,
        pixels: bool = False,
    ) -> None:
        self.images = batch_of_images(model, images)
        if not np.isfinite(self.images).all():
            raise ValueError("`images` contain NaN or infinity.")
        shape = self.images.shape[1:]
        key: Hashable = ("attribution", shape, selection_key(layer), pixels)
        self._passes = kept(model, key, lambda: _Passes(model, shape, layer, pixels))
        self._name = model.name
        self.wanted = one_hot(target, len(self.images), self._passes.classes)
        self.size = spatial(self.images.shape, self._passes.data_format)
        self.axis = channel_axis(self._passes.data_format)
        self.map_shape = self._passes.map_shape
        self.map_axis = channel_axis(self._passes.map_format)
        self._alive = False
        self._saturated = True

    def channels_last(self, maps: np.ndarray) -> np.ndarray:
        """Convert feature maps to `(batch, height, width, channels)`."""
        return np.moveaxis(maps, self.map_axis, -1)

    def forward(
        self, images: np.ndarray, added: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the logits and the feature map, to which `added` has been added."""
        found = self._passes.forward(self._added(images, added), images)
        return self._read(found)

    def gradient(
        self, images: np.ndarray, wanted: np.ndarray, added: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the logits, the feature map, and the target's gradient for that map.

        Raises:
            ValueError: The model's output does not depend on the feature map.
        """
        found, gradient = self._passes.gradient(
            self._added(images, added), images, wanted
        )
        if gradient is None:
            raise ValueError(self._no_way("there is no gradient"))
        array = to_numpy(gradient)
        self._alive = self._alive or bool(array.any())
        return *self._read(found), array

    def check_gradient(self) -> None:
        """Raise if every gradient so far was zero, since the maps would be blank."""
        if not self._alive:
            raise ValueError(self.severed("the gradient is zero for all images"))

    def severed(self, what: str) -> str:
        """Return the message that changing the feature map never changes the output."""
        if self._saturated:
            return (
                f"The output of {self._name!r} is saturated: it is exactly 0 or 1 for "
                "every class and image and does not change, and its logits cannot be "
                "read. Explain a model that ends in its logits, without the activation "
                "that turns them into probabilities."
            )
        return self._no_way(what)

    def _no_way(self, what: str) -> str:
        where = self._passes.where
        return (
            f"The output of {self._name!r} does not depend on {where}: {what}. "
            "Name a layer on the path from the images to the output, and look for "
            "operations that block gradients, such as `stop_gradient`."
        )

    def _added(self, images: np.ndarray, added: np.ndarray | None) -> np.ndarray:
        if added is not None:
            return added.astype("float32")
        return np.zeros((len(images), *self.map_shape), "float32")

    def _read(self, found: tuple[Any, ...]) -> tuple[np.ndarray, np.ndarray]:
        logits, maps, answer, undone = (to_numpy(tensor) for tensor in found)
        if undone and not self._passes.told:
            self._passes.told = True
            warnings.warn(
                f"{self._name!r} ends in probabilities that were not computed by a "
                "function or layer of Keras. Their logarithm minus its mean over the "
                "classes is explained, which equals the logits up to a constant per "
                "image. A model that ends in its logits is explained exactly.",
                stacklevel=4,
            )
        unsure = bool(undone) or not np.array_equal(logits, answer)
        seen = answer if unsure else logits
        self._saturated &= bool(np.isin(seen, (0.0, 1.0)).all()) and bool(seen.any())
        return logits, maps


class _Passes:
    """Compiled forward and backward passes for one feature map, kept with the model.

    Attributes:
        classes: The number of classes, which is the length of the model's output.
        data_format: The images' data format.
        map_shape, map_format: Shape of the feature map for one image; its data format.
        where: A description of the feature map for error messages.
        told: Whether the user was warned that logits are computed from probabilities.
    """

    def __init__(
        self,
        model: keras.Model,
        shape: tuple[int, ...],
        layer: Selection | None,
        pixels: bool,
    ) -> None:
        calls = layer_calls(model, shape)
        answer = calls[-1].shape
        if answer is None or len(answer) != 2:
            several = "several tensors" if answer is None else f"shape {answer}"
            raise ValueError(
                f"{model.name!r} has to output one vector of classes per image, but "
                f"it outputs {several}. Pass a model that has only the output to "
                "explain."
            )
        call = None if pixels and layer is None else locate(model, calls, layer)
        self.classes = answer[1]
        self.data_format = data_format(model)
        self.told = False
        self.where = f"the feature map of {call.layer.name!r}" if call else "the images"
        self.map_shape = call.shape[1:] if call and call.shape else shape
        self.map_format = call.data_format if call else self.data_format
        self._number = call.number if call else 0
        # The model keeps the passes alive, so they must not keep the model alive.
        self._model = weakref.ref(model)
        self._layer = weakref.ref(call.layer) if call else None
        self.forward = compiled(model, self._answer, always=True)
        self.gradient = differentiate(model, self._score)

    def _score(self, added: Any, images: Any, wanted: Any) -> tuple[Any, Any]:
        logits, *others = self._answer(added, images)
        top = ops.one_hot(ops.argmax(logits, -1), logits.shape[-1])
        chosen = ops.any(ops.not_equal(wanted, 0.0), -1, keepdims=True)
        score = ops.sum(logits * ops.where(chosen, wanted, top))
        return score, (logits, *others)

    def _answer(self, added: Any, images: Any) -> tuple[Any, ...]:
        looked_at = self._layer() if self._layer else None
        if self._layer is None:
            images = maps = images + added
        calls = 0

        def add(layer: keras.layers.Layer, inputs: tuple[Any, ...], output: Any) -> Any:
            nonlocal calls, maps
            if layer is not looked_at:
                return None
            calls += 1
            if calls != self._number + 1:
                return None
            maps = output + ops.cast(added, output.dtype)
            return maps

        model = self._model()
        assert model is not None
        with full_precision(), observe(add):
            logits, answer, undone = answer_in_logits(
                model, as_model_takes(model, images)
            )
        return logits, ops.cast(maps, "float32"), answer, undone
