"""Gradient ascent: the gradient of layers' outputs for the pixels of pictures."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_cnnzoo.backend.gradient import differentiate
from keras_cnnzoo.backend.probabilities import probabilities
from keras_cnnzoo.inspect.attribution.logits import before_probabilities
from keras_cnnzoo.inspect.attribution.precision import full_precision
from keras_cnnzoo.inspect.hooks.inputs import as_model_takes
from keras_cnnzoo.internals.calls import observe
from keras_cnnzoo.structure.shapes import image_shape, spatial_dims

#: From the layers' outputs, in order, and weights, to one number per picture.
Objective = Callable[[list[Any], Any], Any]


class Pictures:
    """Converts pictures to a model's input format, and gradients back.

    A picture is `(height, width, channels)` with values in 0..1.

    Attributes:
        size: Height and width of the model's input; each is None if it may vary.
        channels: The number of channels of a picture.
    """

    def __init__(self, model: keras.Model, value_range: tuple[float, float]) -> None:
        low, high = value_range
        if not low < high:
            raise ValueError(
                f"`value_range` is the lowest and the highest value of a pixel, in "
                f"this order. Received: {value_range}"
            )
        shape = (None, *image_shape(model))
        self._range = low, high
        self._axis = -1 if spatial_dims(model, len(shape)) == (1, 2) else 1
        channels = shape[self._axis]
        if len(shape) != 4 or channels is None:
            raise ValueError(
                f"{model.name!r} has an input of shape {shape[1:]}, not images with a "
                "known number of channels."
            )
        self.channels = channels
        self.size = shape[1:3] if self._axis == -1 else shape[2:4]

    def shape(self, size: tuple[int, int]) -> tuple[int, ...]:
        """Return the model's input shape for one image of the given size."""
        return self.to_model(np.zeros((1, *size, self.channels))).shape[1:]

    def to_model(self, pictures: np.ndarray) -> np.ndarray:
        """Convert pictures to the model's value range and data format."""
        low, high = self._range
        images = np.moveaxis(pictures, -1, self._axis) * (high - low) + low
        return images.astype("float32")

    def from_model(self, gradients: np.ndarray) -> np.ndarray:
        """Convert gradients from the model's data format to that of pictures."""
        return np.moveaxis(gradients, self._axis, -1).astype("float64")


def ascent(
    model: keras.Model,
    layers: list[keras.layers.Layer],
    objective: Objective,
    pictures: Pictures,
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Compile a function that returns the objective's gradient for the pictures.

    The function takes the pictures and the objective's weights.

    Args:
        model: Any model.
        layers: The layers whose outputs the objective is computed from. If a layer is
            called more than once, its last output counts. If its output comes from a
            softmax or sigmoid, the logits are used instead.
        objective: The function to differentiate.
        pictures: Converts pictures to the model's input format.
    """

    def score(images: Any, weights: Any) -> tuple[Any, Any]:
        given: dict[int, Any] = {}

        def keep(
            layer: keras.layers.Layer, inputs: tuple[Any, ...], output: Any
        ) -> None:
            if layer in layers:
                if len(getattr(output, "shape", ())) == 2:
                    output, _ = before_probabilities(output, pairs(), undo=False)
                given[id(layer)] = ops.cast(output, "float32")

        with full_precision(), probabilities() as pairs, observe(keep):
            model(as_model_takes(model, images), training=False)
        outputs = [given[id(layer)] for layer in layers if id(layer) in given]
        return ops.sum(objective(outputs, weights)), ()

    run = differentiate(model, score)

    def climb(shown: np.ndarray, weights: np.ndarray) -> np.ndarray:
        _, gradients = run(pictures.to_model(shown), weights.astype("float32"))
        if gradients is None:
            raise ValueError(
                f"The output of {', '.join(repr(layer.name) for layer in layers)} has "
                f"no gradient with respect to the images of {model.name!r}. Look for "
                "operations that block gradients, such as `stop_gradient`."
            )
        return pictures.from_model(ops.convert_to_numpy(gradients))

    return climb


#: Contrast of colours in photographs, relative to the contrast of brightness.
_COLOUR = 0.5
#: Frequencies below this number of waves per picture are weighted equally. Otherwise
#: the picture's mean would outweigh all structure.
_SLOWEST = 4


def natural(values: np.ndarray) -> np.ndarray:
    """Give pictures the frequency and colour statistics of photographs.

    Every octave gets the same energy, and brightness gets more than colour. White noise
    becomes cloudy. A gradient, which has most of its energy at high frequencies, shows
    shapes. Each picture is scaled to standard deviation 1, unless it is all 0.

    Args:
        values: `(batch, height, width, channels)`.
    """
    height, width, channels = values.shape[1:]
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    frequency = np.maximum(np.hypot(rows, columns), _SLOWEST / max(height, width))
    spectrum = np.fft.rfft2(values, axes=(1, 2)) / frequency[..., None]
    smooth = np.fft.irfft2(spectrum, (height, width), axes=(1, 2))
    if channels == 3:
        brightness = smooth.mean(-1, keepdims=True)
        smooth = brightness + _COLOUR * (smooth - brightness)
    spread = smooth.std((1, 2, 3), keepdims=True)
    return smooth / np.where(spread > 0, spread, 1)


def to_uint8(pictures: np.ndarray) -> np.ndarray:
    """Scale pictures from 0..1 to 0..255."""
    return np.round(pictures * 255).astype("uint8")
