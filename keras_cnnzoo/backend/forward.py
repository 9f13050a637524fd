"""Run a forward pass compiled, and hand what it computes to NumPy.

Keras compiles the forward pass for `predict`, which copies all that it returns and, on
JAX, takes the weights out of the model meanwhile; and it has no way to hand something
out of a step of `fit`. So this speaks to a backend itself, as `gradient` does; it
imports the chosen one only.
"""

import weakref
from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import numpy as np

#: From tensors, or arrays, to tensors in any structure.
Function: TypeAlias = Callable[..., Any]
#: Takes arrays, in the order in which the tensors were given.
Receive: TypeAlias = Callable[[list[np.ndarray]], None]


def compiled(
    model: keras.Model, function: Function, *, always: bool = False
) -> Function:
    """Compile a function that calls a model, as `model.predict` would compile it.

    Args:
        model: The model, which is not kept alive. Its weights are read anew at every
            call, and what the pass would assign, as statistics or states of random
            layers, is not assigned.
        function: From tensors to tensors, in any structure, made of `keras.ops` and
            calls of the model.
        always: Whether to compile for a model too that was compiled with
            `run_eagerly`.

    Returns:
        The same function of arrays. PyTorch compiles nothing.
    """
    eager = model.run_eagerly and not always
    run = _COMPILE[keras.backend.backend()](model, function, eager)

    def call(*arrays: Any) -> Any:
        return run(*keras.tree.map_structure(keras.ops.convert_to_tensor, arrays))

    return call


def _stateless(function: Function) -> Function:
    def call(*tensors: Any) -> Any:
        with keras.StatelessScope():
            return function(*tensors)

    return call


def _compile_tensorflow(
    model: keras.Model, function: Function, eager: bool
) -> Function:
    import tensorflow as tf

    if eager:
        return _stateless(function)
    return tf.function(
        _stateless(function),
        jit_compile=model.jit_compile,
        # The shapes of images differ from call to call, and none is traced twice.
        reduce_retracing=True,
        autograph=False,
    )


def _compile_jax(model: keras.Model, function: Function, eager: bool) -> Function:
    import jax

    alive = weakref.ref(model)

    def stateless(values: list[Any], *tensors: Any) -> Any:
        with with_values(alive(), values):
            return function(*tensors)

    run = stateless if eager else jax.jit(stateless)

    def call(*tensors: Any) -> Any:
        return run(values_of(alive()), *tensors)

    return call


def values_of(model: keras.Model | None) -> list[Any]:
    """Return the arrays of a model's variables."""
    assert model is not None
    at_hand(model)
    return [variable.value for variable in model.variables]


def with_values(model: keras.Model | None, values: list[Any]) -> keras.StatelessScope:
    """Return a scope in which a model's variables have other arrays, in order."""
    assert model is not None
    return keras.StatelessScope(zip(model.variables, values, strict=True))


def _compile_torch(model: keras.Model, function: Function, eager: bool) -> Function:
    import torch

    return torch.no_grad()(_stateless(function))


def trace_level() -> Any:
    """Return what is equal for tensors that can be used together.

    A loop or a condition that is compiled has tensors of its own, which mean nothing
    outside: the level inside is another than outside. On PyTorch, which compiles
    nothing, there is one level.
    """
    if keras.backend.backend() == "jax":
        import jax.extend.core

        state: Callable[[], Any] = jax.extend.core.get_opaque_trace_state
        return state()
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return id(tf.compat.v1.get_default_graph())
    return None


def at_hand(model: keras.layers.Layer) -> None:
    """Have a model's weights in the model: within JAX's `fit`, the step has them."""
    if keras.backend.backend() == "jax" and isinstance(model, keras.Model):
        model.jax_state_sync()


def to_numpy(tensor: Any) -> np.ndarray:
    """Return a tensor as a read-only array, which shares its memory on a CPU."""
    if keras.backend.backend() == "torch":
        tensor = tensor.detach().cpu()
    array = np.asarray(tensor)
    array.flags.writeable = False
    return array


def hand_over(tensors: list[Any], receive: Receive) -> None:
    """Call `receive` with the tensors' values, also from inside a compiled step.

    Call `settle` before relying on it that all has arrived.
    """
    _HAND_OVER[keras.backend.backend()](tensors, receive)


def _hand_over_tensorflow(tensors: list[Any], receive: Receive) -> None:
    import tensorflow as tf

    tf.numpy_function(lambda *arrays: receive(list(arrays)), tensors, [])


def _hand_over_jax(tensors: list[Any], receive: Receive) -> None:
    import jax

    def copy(*arrays: Any) -> None:
        # The memory is lent for the time of the callback.
        receive([np.array(array) for array in arrays])

    # Several devices cannot agree on an order.
    ordered = keras.distribution.distribution() is None
    jax.debug.callback(copy, *tensors, ordered=ordered)


def _hand_over_torch(tensors: list[Any], receive: Receive) -> None:
    # Keras finds out shapes by a pass on a device without values.
    if not any(tensor.is_meta for tensor in tensors):
        receive([to_numpy(tensor) for tensor in tensors])


def settle() -> None:
    """Wait until everything handed over so far has been received."""
    if keras.backend.backend() == "jax":
        import jax

        wait: Callable[[], object] = jax.effects_barrier
        wait()


_COMPILE = {
    "tensorflow": _compile_tensorflow,
    "jax": _compile_jax,
    "torch": _compile_torch,
}
_HAND_OVER = {
    "tensorflow": _hand_over_tensorflow,
    "jax": _hand_over_jax,
    "torch": _hand_over_torch,
}
