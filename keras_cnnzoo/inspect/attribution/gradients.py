"""Gradients for the pixels: how a small change of each would change the output."""

from typing import Any

import keras
import numpy as np

from keras_cnnzoo.inspect.attribution.arguments import names_of_ours
from keras_cnnzoo.inspect.attribution.maps import batches, finish
from keras_cnnzoo.inspect.attribution.model_at_map import ModelAtMap
from keras_cnnzoo.inspect.attribution.target import Target
from keras_cnnzoo.inspect.attribution.variations import (
    background,
    copies,
    mean_gradient,
    one_by_one,
    settle,
)
from keras_cnnzoo.structure.paths import Selection


@names_of_ours
def saliency(
    model: keras.Model,
    images: Any,
    target: Target = None,
    layer: Selection | None = None,
    *,
    batch_size: int = 32,
    normalize: bool = True,
) -> np.ndarray:
    """Show, for each pixel, the largest absolute gradient over its channels.

    Args:
        model, images, target, batch_size, normalize: See `grad_cam`.
        layer: None computes the gradient for the pixels of the images. With a layer, it
            is computed for the layer's feature map, and interpolated to the images'
            size.

    Returns, Raises:
        As `grad_cam`.

    Source:
        Simonyan et al., "Deep Inside Convolutional Networks", 2014, section 3.1.
    """
    seen = ModelAtMap(model, images, target, layer, pixels=True)
    found = []
    for where, kept in batches(len(seen.images), batch_size):
        *_, gradients = seen.gradient(seen.images[where], seen.wanted[where])
        found.append(np.abs(seen.channels_last(gradients)).max(-1)[:kept])
    seen.check_gradient()
    return finish(np.concatenate(found), seen.size, normalize=normalize)


@names_of_ours
def smooth_grad(
    model: keras.Model,
    images: Any,
    target: Target = None,
    layer: Selection | None = None,
    *,
    samples: int = 50,
    noise: float | np.ndarray = 0.15,
    seed: int = 0,
    batch_size: int = 32,
    normalize: bool = True,
) -> np.ndarray:
    """Average the gradient over noisy copies of the image, and take the absolute value.

    Gradients are averaged with their signs, as in the paper. Captum's
    `NoiseTunnel(Saliency(net))` does so only with `abs=False`.

    Args:
        model, images, target, batch_size, normalize: See `grad_cam`.
        layer: See `saliency`. The noise is always added to the images.
        samples: The number of noisy copies of each image.
        noise: Standard deviation of Gaussian noise, as a share of each image's own
            range of values. Or the noise itself, `(samples, height, width, channels)`
            in the model's data format, in the images' units.
        seed: Seed of the noise. All images get the same noise.

    Returns, Raises:
        As `grad_cam`.

    Source:
        Smilkov et al., "SmoothGrad: removing noise by adding noise", 2017, section 3.
    """
    if samples < 1:
        raise ValueError(f"`samples` is at least 1. Received: {samples}")
    seen = ModelAtMap(model, images, target, layer, pixels=True)
    drawn = _noise(noise, samples, seed, seen.images.shape[1:])
    weights = np.full(len(drawn), 1 / len(drawn))
    found = []
    for image, wanted in one_by_one(seen):
        if not wanted.any():
            wanted = settle(wanted, seen.forward(image[None])[0][0])
        scale = 1.0 if np.ndim(noise) else noise * np.ptp(image)

        def noisy(
            where: np.ndarray, image: np.ndarray = image, scale: float = scale
        ) -> tuple[np.ndarray, None]:
            return image + scale * drawn[where], None

        mean = mean_gradient(seen, wanted, noisy, weights, batch_size)
        found.append(np.abs(seen.channels_last(mean[None])[0]).max(-1))
    seen.check_gradient()
    return finish(np.stack(found), seen.size, normalize=normalize)


def _noise(noise: Any, samples: int, seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return noise in the shape of one image: the caller's, or standard normal."""
    if np.ndim(noise) == 0:
        if noise < 0:
            raise ValueError(f"`noise` is at least 0. Received: {noise}")
        rng = np.random.default_rng(seed)
        return rng.standard_normal((samples, *shape), "float32")
    own = np.asarray(noise, "float32")
    if own.shape[1:] != shape or not len(own):
        raise ValueError(
            f"`noise` is a number, or an array of shape (samples, {str(shape)[1:]}. "
            f"Received an array of shape {own.shape}."
        )
    return own


@names_of_ours
def integrated_gradients(
    model: keras.Model,
    images: Any,
    target: Target = None,
    layer: Selection | None = None,
    *,
    baseline: float | np.ndarray = 0.0,
    steps: int = 50,
    batch_size: int = 32,
    normalize: bool = True,
) -> np.ndarray:
    """Integrate the gradient along the straight line from a baseline to the image.

    The attributions of all pixels add up to the difference between the target's logits
    for the image and for the baseline. They are summed over the channels. `normalize`
    sets negative ones to 0.

    Args:
        model, images, target, batch_size, normalize: See `grad_cam`.
        layer: See `saliency`. The line then leads from the layer's feature map for the
            baseline to that for the image, as in captum's `LayerIntegratedGradients`.
        baseline: An image that shows nothing, in the images' units: a number, or an
            array that broadcasts to one image.
        steps: Points of the Gauss-Legendre quadrature; the default is captum's, too.

    Returns, Raises:
        As `grad_cam`.

    Source:
        Sundararajan et al., "Axiomatic Attribution for Deep Networks", 2017, section 3.
    """
    if steps < 1:
        raise ValueError(f"`steps` is at least 1. Received: {steps}")
    points, weights = np.polynomial.legendre.leggauss(steps)
    # Points in -1..1 become offsets from the image, -1 at the baseline and 0 at the
    # image; the weights then add up to 1.
    left, weights = (points - 1) / 2, weights / 2
    seen = ModelAtMap(model, images, target, layer, pixels=True)
    empty = background(baseline, seen.images.shape[1:])
    found = []
    for image, wanted in one_by_one(seen):
        answers, (end, start) = seen.forward(np.stack([image, empty]))
        way = end - start

        def between(
            where: np.ndarray, image: np.ndarray = image, way: np.ndarray = way
        ) -> tuple[np.ndarray, np.ndarray]:
            added = left[where].reshape(-1, 1, 1, 1) * way
            return copies(image, steps, batch_size), added

        wanted = settle(wanted, answers[0])
        total = way * mean_gradient(seen, wanted, between, weights, batch_size)
        found.append(seen.channels_last(total[None])[0].sum(-1))
    seen.check_gradient()
    return finish(np.stack(found), seen.size, normalize=normalize)
