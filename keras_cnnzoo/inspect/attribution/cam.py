"""Class activation maps: where the channels of one feature map support a class."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.inspect.attribution.arguments import names_of_ours
from keras_cnnzoo.inspect.attribution.maps import batches, finish
from keras_cnnzoo.inspect.attribution.model_at_map import ModelAtMap
from keras_cnnzoo.inspect.attribution.target import Target
from keras_cnnzoo.structure.paths import Selection


@names_of_ours
def grad_cam(
    model: keras.Model,
    images: Any,
    target: Target = None,
    layer: Selection | None = None,
    *,
    batch_size: int = 32,
    normalize: bool = True,
) -> np.ndarray:
    """Weigh each channel by the mean of its gradient (Grad-CAM).

    Args:
        model: Any built Keras model that outputs one vector per image. If it ends in a
            softmax or sigmoid, the logits are explained.
        images: `(batch, height, width, channels)`, preprocessed as for `model(images)`;
            channels first if the model is.
        target: The class to explain: its index, one index per image, or None for each
            image's own top class.
        layer: The layer whose feature map is used, as `find` takes it: a path, a
            pattern or the layer itself. If it is called more than once, its last call
            counts. None uses the last feature map before the final pooling or
            flattening.
        batch_size: How many images are computed at once.
        normalize: Whether to set negative values to 0 and scale each map to 0..1. False
            returns the signed values, interpolated to the images' size.

    Returns:
        `(batch, height, width)` float32 maps, in the images' size.

    Raises:
        ValueError: The model's output does not depend on the layer's feature map; the
            target is out of range; `layer` does not match exactly one layer, or that
            layer outputs no feature map; or the model does not output a vector of class
            scores.

    Source:
        Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
        Gradient-based Localization", 2017, equations 1 and 2.

    Example:
        >>> model = keras.Sequential(
        ...     [
        ...         keras.Input((8, 8, 3)),
        ...         keras.layers.Conv2D(4, 3),
        ...         keras.layers.GlobalAveragePooling2D(),
        ...         keras.layers.Dense(2, activation="softmax"),
        ...     ]
        ... )
        >>> grad_cam(model, np.ones((1, 8, 8, 3)), target=1).shape
        (1, 8, 8)
    """

    def formula(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        return (gradients.mean((1, 2), keepdims=True) * maps).sum(-1)

    seen = ModelAtMap(model, images, target, layer)
    return _of_gradients(formula, seen, batch_size, normalize)


@names_of_ours
def grad_cam_pp(
    model: keras.Model,
    images: Any,
    target: Target = None,
    layer: Selection | None = None,
    *,
    epsilon: float = 1e-6,
    batch_size: int = 32,
    normalize: bool = True,
) -> np.ndarray:
    """Weigh each channel by a weighted sum of its positive gradients (Grad-CAM++).

    Args:
        model, images, target, layer, batch_size, normalize: See `grad_cam`.
        epsilon: Added to a denominator of about twice the squared gradient. The
            default is pytorch-grad-cam's. It changes the result where gradients are
            below 0.001, as when a large feature map is averaged. 0 gives exactly the
            paper's equation.

    Returns, Raises:
        As `grad_cam`.

    Source:
        Chattopadhay et al., "Grad-CAM++: Improved Visual Explanations for Deep
        Convolutional Networks", 2018, equation 19.
    """

    def formula(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        squared = gradients**2
        total = maps.sum((1, 2), keepdims=True)
        evened = squared * (2 + total * gradients) + epsilon
        # Only positive gradients count, and even their denominator can be zero.
        used = (gradients > 0) & (evened != 0)
        alpha = np.divide(squared, evened, where=used, out=np.zeros_like(squared))
        weights = (np.maximum(gradients, 0) * alpha).sum((1, 2), keepdims=True)
        return (weights * maps).sum(-1)

    seen = ModelAtMap(model, images, target, layer)
    return _of_gradients(formula, seen, batch_size, normalize)


@names_of_ours
def layer_cam(
    model: keras.Model,
    images: Any,
    target: Target = None,
    layer: Selection | None = None,
    *,
    batch_size: int = 32,
    normalize: bool = True,
) -> np.ndarray:
    """Weigh each pixel of each channel by its own positive gradient (LayerCAM).

    It works for the fine feature maps of early layers as well as for the last one.

    Args:
        model, images, target, layer, batch_size, normalize: See `grad_cam`.

    Returns, Raises:
        As `grad_cam`.

    Source:
        Jiang et al., "LayerCAM: Exploring Hierarchical Class Activation Maps for
        Localization", 2021, equations 5 to 7.
    """

    def formula(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        return (np.maximum(gradients, 0) * maps).sum(-1)

    seen = ModelAtMap(model, images, target, layer)
    return _of_gradients(formula, seen, batch_size, normalize)


def _of_gradients(
    formula: Callable[[np.ndarray, np.ndarray], np.ndarray],
    seen: ModelAtMap,
    batch_size: int,
    normalize: bool,
) -> np.ndarray:
    """Apply a formula to feature maps and their gradients, both channels last."""
    found = []
    for where, kept in batches(len(seen.images), batch_size):
        _, *both = seen.gradient(seen.images[where], seen.wanted[where])
        maps, gradients = (seen.channels_last(x) for x in both)
        found.append(formula(maps[:kept], gradients[:kept]))
    seen.check_gradient()
    return finish(np.concatenate(found), seen.size, normalize=normalize)


@names_of_ours
def eigen_cam(
    model: keras.Model,
    images: Any,
    target: Target = None,
    layer: Selection | None = None,
    *,
    batch_size: int = 32,
    normalize: bool = True,
) -> np.ndarray:
    """Show the first principal component of a feature map (Eigen-CAM).

    The result does not depend on the class. A principal component has no sign of its
    own: the side with the larger absolute value counts as positive.

    Args:
        model, images, layer, batch_size, normalize: See `grad_cam`.
        target: Has no effect on the result, but must be a class of the model.

    Returns, Raises:
        As `grad_cam`.

    Source:
        Muhammad and Yeasin, "Eigen-CAM: Class Activation Map using Principal
        Components", 2020; the maps are centred first, as pytorch-grad-cam does. The
        sign is that of Chung and Ying, "Seg-Eigen-CAM", 2025, equation 13.
    """
    seen = ModelAtMap(model, images, target, layer)
    found: list[np.ndarray] = []
    for where, kept in batches(len(seen.images), batch_size):
        maps = seen.channels_last(seen.forward(seen.images[where])[1])
        found.extend(_first_component(map_) for map_ in maps[:kept])
    return finish(np.stack(found), seen.size, normalize=normalize)


def _first_component(map_: np.ndarray) -> np.ndarray:
    """Project a `(height, width, channels)` map on its first principal component."""
    pixels = map_.reshape(-1, map_.shape[-1]).astype("float64")
    pixels -= pixels.mean(0)
    _, _, axes = np.linalg.svd(pixels, full_matrices=False)
    projected = (pixels @ axes[0]).reshape(map_.shape[:2])
    return -projected if -projected.min() > projected.max() else projected
