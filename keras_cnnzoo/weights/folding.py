"""Between convolutions with a bias and convolutions with batch normalisation.

Some publish convolutions with a bias where we have batch normalisation, which they
have folded into the kernels. Others have both: there the bias is subtracted again with
the batch's mean, so we take it off the moving mean.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import keras
import numpy as np

from keras_cnnzoo import inspect
from keras_cnnzoo.cards import NameMap
from keras_cnnzoo.weights.naming import LEAVES, places
from keras_cnnzoo.weights.stored import Arrays


class Fold(NamedTuple):
    """Values of our variables, and which of their names they are made of."""

    values: dict[str, np.ndarray]
    used: set[str]


def fold(
    model: keras.Model,
    name_map: NameMap,
    arrays: Arrays,
    values: Mapping[str, np.ndarray],
) -> Fold:
    """Work out our batch norms from what a source has in their stead.

    Args:
        model: The model to be loaded.
        name_map: How the source names its arrays.
        arrays: The source.
        values: The values for our variables that were found by name.
    """
    norms = inspect.sublayers(model, keras.layers.BatchNormalization)
    if name_map.folded:
        return Fold(dict(_neutral(norms, values)), set())
    owners = {norm.beta.path.rpartition("/")[0]: norm for norm in norms}
    leaf = LEAVES[name_map.layout].get("bias", "bias")
    biases = {
        f"{path.removesuffix('/kernel')}/bias": _norm_behind(path)
        for path in values
        if path.endswith("/kernel")
    }
    wanted = [bias for bias in biases if bias not in values]
    fold = Fold({}, set())
    # Maps that count need all our names, in their order.
    everywhere = places([*(v.path for v in model.weights), *wanted], name_map)
    for bias in wanted:
        place, norm = everywhere[bias], owners.get(biases[bias])
        if norm is None or place.name not in arrays or not place.name.endswith(leaf):
            continue
        mean = norm.moving_mean.path
        if mean in values and arrays[place.name].size == values[mean].size:
            bias_there = arrays[place.name].read().reshape(values[mean].shape)
            fold.values[mean] = values[mean] - bias_there
            fold.used.add(place.name)
    return fold


def _norm_behind(kernel: str) -> str:
    """Return the path that the batch norm behind a convolution has by our names."""
    layer, _, own = kernel.removesuffix("/kernel").rpartition("/")
    return (
        f"{layer}/{own.replace('conv', 'bn')}" if layer else own.replace("conv", "bn")
    )


def _neutral(
    norms: Iterable[keras.layers.BatchNormalization], values: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what makes a batch norm add its offset and change nothing else."""
    for norm in norms:
        if norm.beta.path in values:
            shape = tuple(norm.beta.shape)
            yield norm.gamma.path, np.ones(shape, "float32")
            yield norm.moving_mean.path, np.zeros(shape, "float32")
            yield norm.moving_variance.path, np.full(shape, 1 - norm.epsilon, "float32")
