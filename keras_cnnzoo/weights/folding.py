"""Load convolutions with a bias into convolutions with batch normalisation.

Some published files have a convolution with a bias where we have batch normalisation,
because the normalisation was folded into the kernel. Others have both the bias and the
normalisation. The moving mean then includes the bias, so we subtract it from the mean.
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
    """Values of our variables, and the names of the source's arrays behind them."""

    values: dict[str, np.ndarray]
    used: set[str]


def fold(
    model: keras.Model,
    name_map: NameMap,
    arrays: Arrays,
    values: Mapping[str, np.ndarray],
) -> Fold:
    """Compute the batch normalisation variables from a source's convolution biases.

    Args:
        model: The model that is loaded into.
        name_map: How the source names its arrays.
        arrays: The source's arrays.
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
    # Name maps that number the layers need all our names, in order.
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
    """Return our path of the batch normalisation that follows a convolution."""
    layer, _, own = kernel.removesuffix("/kernel").rpartition("/")
    return (
        f"{layer}/{own.replace('conv', 'bn')}" if layer else own.replace("conv", "bn")
    )


def _neutral(
    norms: Iterable[keras.layers.BatchNormalization], values: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield values with which batch normalisation only adds its offset."""
    for norm in norms:
        if norm.beta.path in values:
            shape = tuple(norm.beta.shape)
            yield norm.gamma.path, np.ones(shape, "float32")
            yield norm.moving_mean.path, np.zeros(shape, "float32")
            yield norm.moving_variance.path, np.full(shape, 1 - norm.epsilon, "float32")
