"""Compute the statistics of batch normalisation anew, from many batches at once."""

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_cnnzoo.backend.forward import compiled
from keras_cnnzoo.structure.walk import sublayers


def recalibrate(
    model: keras.Model, batches: Iterable[Any], n: int | None = None
) -> keras.Model:
    """Set batch normalisation's statistics to those of a population of images.

    The moving statistics are an average over the last steps of training, each with
    other weights. After short trainings, with a high momentum, or after the weights
    were averaged or changed, they do not fit the weights. Here the model runs over `n`
    batches in training mode with its weights unchanged. The new mean is the mean over
    all batches, the new variance the mean of squares less the square of that mean.

    Layers that are frozen keep their statistics. Dropout and other layers that differ
    in training do as in training.

    Args:
        model: Any model. It is changed in place.
        batches: Batches of images, or tuples with the images first, of the training
            set and of the batch size of the training. A smaller batch counts less.
        n: Number of batches to take; None takes all.

    Returns:
        The same model.

    Raises:
        ValueError: There is no batch.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)),
        ...                           layers.BatchNormalization(name="bn")])
        >>> model = recalibrate(model, [np.array([[1.0, 5.0], [3.0, 5.0]])])
        >>> model.get_layer("bn").moving_mean.numpy().tolist()
        [2.0, 5.0]

    Source:
        Wu and Johnson, "Rethinking 'Batch' in BatchNorm", 2021, section 3 (PreciseBN).
    """
    norms = [
        layer
        for layer in sublayers(model, layers.BatchNormalization)
        if layer.trainable and layer.built
    ]

    def statistics(x: Any) -> tuple[list[Any], list[Any]]:
        model(x, training=True)
        return (
            [bn.moving_mean.value for bn in norms],
            [bn.moving_variance.value for bn in norms],
        )

    run = compiled(model, statistics)
    count = 0
    means = [np.zeros(bn.moving_mean.shape) for bn in norms]
    squares = [np.zeros(bn.moving_mean.shape) for bn in norms]
    with _of_one_batch(norms):
        for batch in itertools.islice(batches, n):
            images = batch[0] if isinstance(batch, tuple) else batch
            count += len(images)
            for place, pair in enumerate(zip(*run(images), strict=True)):
                mean, variance = (
                    ops.convert_to_numpy(value).astype(np.float64) for value in pair
                )
                means[place] += len(images) * mean
                squares[place] += len(images) * (variance + mean**2)
    if not count:
        raise ValueError(
            f"There are no batches to compute statistics from. Received: n={n} and "
            f"a {type(batches).__name__}, which may be used up."
        )
    for bn, mean, square in zip(norms, means, squares, strict=True):
        bn.moving_mean.assign(mean / count)
        bn.moving_variance.assign(np.maximum(square / count - (mean / count) ** 2, 0))
    return model


@contextlib.contextmanager
def _of_one_batch(norms: Sequence[layers.BatchNormalization]) -> Iterator[None]:
    """Let the moving statistics of layers become those of the last batch."""
    kept = [bn.momentum for bn in norms]
    try:
        for bn in norms:
            bn.momentum = 0.0
        yield
    finally:
        for bn, momentum in zip(norms, kept, strict=True):
            bn.momentum = momentum
