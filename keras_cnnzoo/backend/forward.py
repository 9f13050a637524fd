"""Compile forward passes, and pass computed values to NumPy.

Keras compiles the forward pass only for `predict`, which copies all outputs and, on
JAX, moves the weights out of the model in the meantime. It also has no way to get
values out of a step of `fit`. So this module uses the backend directly, as `gradient`
does; it imports only the configured one.
"""

import weakref
from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import numpy as np

#: Takes tensors or arrays, and returns tensors in any structure.
Function: TypeAlias = Callable[..., Any]
#: Takes arrays, in the order of the tensors.
Receive: TypeAlias = Callable[[list[np.ndarray]], None]


def compiled(
    model: keras.Model, function: Function, *, always: bool = False
) -> Function:
    """Compile a function that calls a model, with the same settings as `model.predict`.

    Args:
        model: The model. The compiled function does not keep it alive, and reads its
            current weights at every call. Updates in the pass, such as statistics or
            the state of random layers, are not stored.
        function: A function of tensors that returns tensors in any structure, made of
            `keras.ops` and calls of the model.
        always: Whether to compile even if the model has `run_eagerly`.

    Returns:
        The compiled function, which also takes arrays. On PyTorch it is not compiled.
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
        # Image sizes vary between calls. Without this, each new size is traced again.
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
    """Return a scope in which a model's variables have the given arrays, in order."""
    assert model is not None
    return keras.StatelessScope(zip(model.variables, values, strict=True))


def _compile_torch(model: keras.Model, function: Function, eager: bool) -> Function:
    import torch

    return torch.no_grad()(_stateless(function))


def trace_level() -> Any:
    """Return a value that is equal for tensors of the same trace.

    Tensors inside a compiled loop or condition cannot be used outside, so the level
    there differs. On PyTorch, without compilation, there is only one level.
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
    """Move the weights back into the model; within `fit` on JAX, the step has them."""
    if keras.backend.backend() == "jax" and isinstance(model, keras.Model):
        model.jax_state_sync()


def to_numpy(tensor: Any) -> np.ndarray:
    """Return a tensor as a read-only array, which on a CPU shares its memory."""
    if keras.backend.backend() == "torch":
        tensor = tensor.detach().cpu()
    array = np.asarray(tensor)
    array.flags.writeable = False
    return array


def hand_over(tensors: list[Any], receive: Receive) -> None:
    """Call `receive` with the tensors' values, also from inside a compiled step.

    Values may arrive later; `settle` waits for all of them.
    """
    _HAND_OVER[keras.backend.backend()](tensors, receive)


def _hand_over_tensorflow(tensors: list[Any], receive: Receive) -> None:
    import tensorflow as tf

    tf.numpy_function(lambda *arrays: receive(list(arrays)), tensors, [])


def _hand_over_jax(tensors: list[Any], receive: Receive) -> None:
    import jax

    def copy(*arrays: Any) -> None:
        # The memory is valid only during the callback.
        receive([np.array(array) for array in arrays])

    # JAX does not support ordered callbacks on several devices.
    ordered = keras.distribution.distribution() is None
    jax.debug.callback(copy, *tensors, ordered=ordered)


def _hand_over_torch(tensors: list[Any], receive: Receive) -> None:
    # Keras infers shapes by a pass on the meta device, which has no values.
    if not any(tensor.is_meta for tensor in tensors):
        receive([to_numpy(tensor) for tensor in tensors])


def settle() -> None:
    """Wait until all values passed to `hand_over` so far have been received."""
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
