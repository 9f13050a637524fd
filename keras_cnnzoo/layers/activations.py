"""Activation functions that Keras does not have."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_cnnzoo")
def scaled_tanh(x: Any) -> Any:
    """Squash by `1.7159 * tanh(2 x / 3)`, the sigmoid of LeNet-5.

    The constants make it pass through (1, 1) and (-1, -1) with its strongest
    curvature there, and keep its gain near 1 for inputs of variance 1.

    Args:
        x: A tensor of any shape.

    Returns:
        A tensor of the same shape and dtype, within ±1.7159.

    Source:
        LeCun et al., "Gradient-Based Learning Applied to Document Recognition",
        1998, equation 6 and appendix A, https://doi.org/10.1109/5.726791.

    Example:
        >>> round(float(scaled_tanh(keras.ops.ones(()))), 3)
        1.0
    """
    return 1.7159 * ops.tanh(x * (2 / 3))
