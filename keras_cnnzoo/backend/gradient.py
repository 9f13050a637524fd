"""Gradients with respect to tensors, on the configured backend.

Keras computes gradients only with respect to weights, in `fit`. So this module uses the
backend directly, as `forward` does; it imports only the configured one.
"""

import weakref
from collections.abc import Callable
from typing import Any

import keras

from keras_cnnzoo.backend.forward import values_of, with_values

#: Maps a tensor to a scalar and other results of the same pass.
Scored = Callable[..., tuple[Any, Any]]
#: Maps a tensor to the other results and the gradient of the scalar.
Gradient = Callable[..., tuple[Any, Any]]


def differentiate(model: keras.Model, score: Scored) -> Gradient:
    """Compile a function that returns the other results of `score`, and its gradient.

    Args:
        model: The model that `score` calls. The compiled function does not keep it
            alive, and reads its current weights at every call. Updates in the pass,
            such as statistics, are not stored.
        score: `score(x, *others) -> (scalar, other)`, made of `keras.ops` and calls of
            the model. There is no gradient with respect to `others`.

    Returns:
        `f(x, *others) -> (other, gradient of the scalar with respect to x)`. The
        gradient is None if the score does not depend on `x`; under JAX it is then zero.
        On PyTorch the function is not compiled.
    """
    return _BACKENDS[keras.backend.backend()](model, score)


def _tensorflow(model: keras.Model, score: Scored) -> Gradient:
    import tensorflow as tf

    # Image sizes vary between calls. Without this, each new size is traced again.
    @tf.function(reduce_retracing=True, autograph=False)
    def compiled(x: Any, *others: Any) -> tuple[Any, Any]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            with keras.StatelessScope():
                scalar, other = score(x, *others)
        return other, tape.gradient(scalar, x)

    def call(x: Any, *others: Any) -> tuple[Any, Any]:
        return compiled(*(keras.ops.convert_to_tensor(t) for t in (x, *others)))

    return call


def _jax(model: keras.Model, score: Scored) -> Gradient:
    import jax

    alive = weakref.ref(model)

    def stateless(values: list[Any], x: Any, *others: Any) -> tuple[Any, Any]:
        with with_values(alive(), values):
            return score(x, *others)

    compiled = jax.jit(jax.grad(stateless, argnums=1, has_aux=True))

    def call(x: Any, *others: Any) -> tuple[Any, Any]:
        tensors = [keras.ops.convert_to_tensor(t) for t in (x, *others)]
        gradient, other = compiled(values_of(alive()), *tensors)
        return other, gradient

    return call


def _torch(model: keras.Model, score: Scored) -> Gradient:
    import torch

    def call(x: Any, *others: Any) -> tuple[Any, Any]:
        x = keras.ops.convert_to_tensor(x).detach().clone().requires_grad_()
        tensors = [keras.ops.convert_to_tensor(t) for t in others]
        with torch.enable_grad():
            with keras.StatelessScope():
                scalar, other = score(x, *tensors)
            # With respect to x only, so that the gradients stored in weights do not
            # change.
            (gradient,) = (
                torch.autograd.grad(scalar, x, allow_unused=True)
                if scalar.requires_grad
                else (None,)
            )
        return keras.tree.map_structure(lambda t: t.detach(), other), gradient

    return call


_BACKENDS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
