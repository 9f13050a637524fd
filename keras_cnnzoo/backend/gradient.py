"""Gradients with respect to tensors, on the backend that Keras runs on.

Keras has `fit` for gradients of weights, and no function for others. So this speaks to
a backend itself, as `forward` does; it imports the chosen one only.
"""

import weakref
from collections.abc import Callable
from typing import Any

import keras

from keras_cnnzoo.backend.forward import values_of, with_values

#: From a tensor to a scalar, and whatever else is wanted of the same pass.
Scored = Callable[..., tuple[Any, Any]]
#: From a tensor to what else was wanted, and the gradient of the scalar.
Gradient = Callable[..., tuple[Any, Any]]


def differentiate(model: keras.Model, score: Scored) -> Gradient:
    """Compile a function that gives what `score` gives, and the score's gradient.

    Args:
        model: The model that `score` calls, which is not kept alive. Its weights are
            read anew at every call, and what the pass would assign to them, as
            statistics, is not assigned.
        score: `score(x, *others) -> (scalar, other)`, made of `keras.ops` and calls of
            the model. `others` are tensors that no gradient is taken of.

    Returns:
        `f(x, *others) -> (other, gradient of the scalar with respect to x)`. The
        gradient is None where the score does not depend on `x`; under JAX, which
        cannot tell, it is zeros. PyTorch compiles nothing.
    """
    return _BACKENDS[keras.backend.backend()](model, score)


def _tensorflow(model: keras.Model, score: Scored) -> Gradient:
    import tensorflow as tf

    # The shapes of images differ from call to call, and none is to be traced twice.
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
            # Of x alone, so that the weights' own gradients stay as they are.
            (gradient,) = (
                torch.autograd.grad(scalar, x, allow_unused=True)
                if scalar.requires_grad
                else (None,)
            )
        return keras.tree.map_structure(lambda t: t.detach(), other), gradient

    return call


_BACKENDS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
