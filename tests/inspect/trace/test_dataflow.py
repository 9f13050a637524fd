"""Models are followed on symbolic tensors, whatever Keras believes of these."""

import keras
from keras import layers

from keras_cnnzoo.inspect import count_macs


class Doubled(layers.Layer):
    """Multiplies by a plain number, whose result Keras 3.15 calls sparse."""

    def call(self, x):
        return keras.ops.multiply(x, 2.0)


def test_a_product_with_a_number_is_followed_into_a_layer_that_needs_a_backend():
    # `Rescaling` computes by the backend, not by `keras.ops`.
    stack = [Doubled(), layers.Rescaling(0.5), layers.Conv2D(2, 3)]
    model = keras.Sequential([keras.Input((4, 4, 3)), *stack])
    assert count_macs(model) == 2 * 2 * 2 * 3 * 3 * 3
