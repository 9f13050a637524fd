"""Run a forward pass compiled, and hand what it computes to NumPy.

Keras compiles the forward pass for `predict`, which copies all that it returns and, on
JAX, takes the weights out of the model meanwhile; and it has no way to hand something
out of a step of `fit`. So this speaks to a backend itself, as `gradient` does; it
imports the chosen one only.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

#: Takes arrays, in the order in which the tensors were given.
Receive = Callable[[list[np.ndarray]], None]


def compiled(model: keras.Model, function: Callable) -> Callable:
    """Compile a function that calls a model, as `model.predict` would compile it.

    Args:
        model: The model. Its weights are read anew at every call, and what the pass
            would assign, as statistics or states of random layers, is not assigned.
        function: From tensors to tensors, in any structure, made of `keras.ops` and
            calls of the model.

    Returns:
        The same function of arrays. PyTorch compiles nothing, nor does a model that
        was compiled with `run_eagerly`.
    """
    run = _COMPILE[keras.backend.backend()](model, function)

    def call(*arrays):
        return run(*keras.tree.map_structure(keras.ops.convert_to_tensor, arrays))

    return call


def _stateless(function: Callable) -> Callable:
    def call(*tensors):
        with keras.StatelessScope():
            return function(*tensors)

    return call


def _compile_tensorflow(model: keras.Model, function: Callable) -> Callable:
    import tensorflow as tf

    if model.run_eagerly:
        return _stateless(function)
    return tf.function(
        _stateless(function),
        jit_compile=model.jit_compile,
        # The shapes of images differ from call to call, and none is traced twice.
        reduce_retracing=True,
        autograph=False,
    )


def _compile_jax(model: keras.Model, function: Callable) -> Callable:
    import jax

    def stateless(values, *tensors):
        mapping = zip(model.variables, values, strict=True)
        with keras.StatelessScope(state_mapping=mapping):
            return function(*tensors)

    run = stateless if model.run_eagerly else jax.jit(stateless)

    def call(*tensors):
        at_hand(model)
        return run([v.value for v in model.variables], *tensors)

    return call


def _compile_torch(model: keras.Model, function: Callable) -> Callable:
    import torch

    return torch.no_grad()(_stateless(function))


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


@contextlib.contextmanager
def traced_anew(model: keras.Model) -> Iterator[None]:
    """Within the context, `fit`, `evaluate` and `predict` run what `model.call` is now.

    They are traced again after it too. XLA on TensorFlow, which cannot call back, and
    `torch.compile` are off meanwhile.
    """
    jit_compile = model.jit_compile
    if keras.backend.backend() != "jax":
        model.jit_compile = False
    trace_anew(model)
    try:
        yield
    finally:
        model.jit_compile = jit_compile
        trace_anew(model)


def trace_anew(model: keras.Model) -> None:
    """Have `fit`, `evaluate` and `predict` trace their next step anew, running or not.

    What they have made is replaced: a loop that runs looks it up at every step.
    """
    for kind in ("train", "test", "predict"):
        if getattr(model, f"{kind}_function") is not None:
            getattr(model, f"make_{kind}_function")(force=True)


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

    def copy(*arrays):
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

        jax.effects_barrier()


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
