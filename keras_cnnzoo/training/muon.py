"""Muon for convolutional networks: kernels are orthogonalised as matrices."""

import math
import re
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_cnnzoo.internals.optimizers import weight_of

#: A matrix with a side below LEAST_SIDE, or with one side more than MOST_UNEVEN times
#: the other, has too few directions to be worth orthogonalising. As in timm.
LEAST_SIDE, MOST_UNEVEN = 4, 128


@keras.saving.register_keras_serializable("keras_cnnzoo")
class Muon(keras.optimizers.Muon):
    """`keras.optimizers.Muon` that also takes the kernels of convolutions.

    Muon replaces the momentum of a weight matrix by the nearest matrix whose rows (or
    columns) are orthogonal, so that rare directions learn as fast as common ones.
    Keras's own takes matrices only, and leaves all convolutions to AdamW. Here a kernel
    is the matrix of shape `(height * width * input channels, filters)`.

    All other weights go to AdamW, with learning rate `adam_lr_ratio * learning_rate`
    and weight decay `adam_weight_decay`:

    - weights that are no kernels: biases, scales and offsets, embeddings;
    - the head, which is the last kernel of the model;
    - depthwise kernels: those with one input channel per filter or with "depthwise" in
      their path;
    - kernels of rank 3, because those of attention are no matrices of this form;
    - kernels whose matrix has a side below 4, or one side more than 128 times the
      other;
    - weights whose path matches one of `exclude_layers`.

    The arguments are those of `keras.optimizers.Muon`. `exclude_layers` is a list of
    regular expressions, needed for models with several heads. `rms_rate`, 0.2 by
    default, scales an update to the usual size of AdamW's, so that the same learning
    rates can be used; None leaves the orthogonal matrix as it is.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 3)),
        ...                           keras.layers.Conv2D(8, 3, name="conv"),
        ...                           keras.layers.Flatten(),
        ...                           keras.layers.Dense(2, name="head")],
        ...                          name="net")
        >>> optimizer = Muon(1e-3)
        >>> optimizer.build(model.trainable_variables)
        >>> optimizer.matrices
        ('net/conv/kernel',)

    Source:
        Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
        https://kellerjordan.github.io/posts/muon/; for the scale, Liu et al., "Muon is
        Scalable for LLM Training", 2025, section 2.2. Which kernels are left out is as
        in timm 1.0.
    """

    #: Paths of the weights that Muon updates, once the optimizer is built.
    matrices: tuple[str, ...] = ()

    def build(self, var_list: Sequence[keras.Variable]) -> None:
        """Decide which weights Muon updates, and create the momenta.

        Args:
            var_list: The trainable variables of the model, in its order.
        """
        kernels = [weight for weight in var_list if _is_kernel(weight)]
        body = [weight for weight in kernels[:-1] if self._takes(weight)]
        self.matrices = tuple(weight.path for weight in body)
        # Paths need not be unique, and weights kept in an attribute would count as the
        # optimizer's own.
        self._ids = frozenset(map(id, body))
        super().build(var_list)

    def _takes(self, weight: keras.Variable) -> bool:
        path = weight.path
        if any(re.search(pattern, path) for pattern in self.exclude_layers):
            return False
        if self.exclude_embeddings and "embedding" in path.lower():
            return False
        *window, depth, filters = weight.shape
        if len(window) == 1 or depth == 1 or "depthwise" in path.lower():
            return False
        few, many = sorted((math.prod(window) * depth, filters))
        return bool(few >= LEAST_SIDE and many <= MOST_UNEVEN * few)

    def _should_use_adamw(self, variable: Any) -> bool:
        # Keras asks this when it creates the momenta and for the weight decay.
        return id(weight_of(self, variable)) not in self._ids

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """Orthogonalise a kernel as a matrix, by Newton-Schulz iterations."""
        matrix = super().zeropower_via_newtonschulz5(_matrix(x), steps)
        return ops.reshape(matrix, x.shape)

    def lr_adjust(self, x: Any) -> Any:
        """Scale the update of a kernel by its sides as a matrix."""
        return ops.reshape(super().lr_adjust(_matrix(x)), x.shape)


def _is_kernel(weight: keras.Variable) -> bool:
    return len(weight.shape) >= 2 and weight.name.endswith("kernel")


def _matrix(kernel: Any) -> Any:
    return ops.reshape(kernel, (-1, kernel.shape[-1]))
