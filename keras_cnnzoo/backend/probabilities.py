"""The inputs of every softmax and sigmoid in a pass.

A model may apply a softmax by an activation, a layer, an operation or a function of the
backend. All of these call the same few functions of the backend.
"""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

from keras_cnnzoo.backend.forward import trace_level

#: The input and the output of a softmax or sigmoid.
Pair = tuple[Any, Any]


@contextlib.contextmanager
def probabilities() -> Iterator[Callable[[], list[Pair]]]:
    """Record input and output of each softmax and sigmoid within the context.

    It records `softmax`, `log_softmax`, `sigmoid`, `log_sigmoid` and `hard_sigmoid`,
    only in the current thread, and not inside a compiled loop, whose tensors cannot be
    used outside. On TensorFlow, open the context inside a `tf.function`.

    Yields:
        A function that returns the pairs so far, in the order of the calls.
    """
    with _BACKENDS[keras.backend.backend()]() as pairs:
        yield pairs


#: PyTorch's names of the recorded functions, without "special_".
_TORCH = {"softmax", "sigmoid", "expit", "hardsigmoid"}
_TORCH |= {"log_softmax", "log_sigmoid", "logsigmoid"}


@contextlib.contextmanager
def _torch() -> Iterator[Callable[[], list[Pair]]]:
    from torch.overrides import TorchFunctionMode

    found: list[Pair] = []

    class Note(TorchFunctionMode):
        def __torch_function__(
            self,
            function: Callable[..., Any],
            types: Sequence[type],
            args: tuple[Any, ...] = (),
            kwargs: dict[str, Any] | None = None,
        ) -> Any:
            named = kwargs or {}
            output = function(*args, **named)
            name = getattr(function, "__name__", "").removeprefix("special_")
            if name in _TORCH:
                found.append((args[0] if args else named["input"], output))
            return output

    with Note():
        yield lambda: found


@contextlib.contextmanager
def _tensorflow() -> Iterator[Callable[[], list[Pair]]]:
    import tensorflow as tf

    graph = tf.compat.v1.get_default_graph()
    before = len(graph.get_operations())

    def pairs() -> list[Pair]:
        found = []
        for op in graph.get_operations()[before:]:
            given = _taken(op)
            if given is not None:
                found.append((given, op.outputs[0]))
        return found

    yield pairs


def _taken(op: Any) -> Any:
    """Return the input if a TensorFlow operation is a softmax or sigmoid, else None."""
    if op.type in ("Softmax", "LogSoftmax", "Sigmoid"):
        return op.inputs[0]
    if op.type == "Neg" and op.inputs[0].op.type == "Softplus":  # log_sigmoid
        return -op.inputs[0].op.inputs[0]
    if op.type == "RealDiv" and op.inputs[0].op.type == "Relu6":  # hard_sigmoid
        return op.inputs[0].op.inputs[0] - 3.0
    return None


class _Noted(threading.local):
    """The lists in which one thread records pairs."""

    def __init__(self) -> None:
        self.lists: list[tuple[Any, list[Pair]]] = []


_NOTED = _Noted()
_LOCK = threading.Lock()
_open = 0
_replaced: list[tuple[Any, str, Any, Any]] = []


@contextlib.contextmanager
def _jax() -> Iterator[Callable[[], list[Pair]]]:
    found: list[Pair] = []
    entry = (trace_level(), found)
    _watch(1)
    _NOTED.lists.append(entry)
    try:
        yield lambda: found
    finally:
        _NOTED.lists.remove(entry)
        _watch(-1)


def _watch(change: int) -> None:
    """Replace JAX's functions while a context is open in any thread."""
    import jax

    global _open
    with _LOCK:
        if _open == 0:
            places = [(jax.nn, name) for name in _NN]
            places += [(jax.lax, "logistic"), (jax.scipy.special, "expit")]
            for module, name in places:
                plain = getattr(module, name)
                noting = _noting(plain)
                setattr(module, name, noting)
                _replaced.append((module, name, plain, noting))
        _open += change
        if _open == 0:
            for module, name, plain, noting in _replaced:
                if getattr(module, name) is noting:
                    setattr(module, name, plain)
            _replaced.clear()


_NN = ("softmax", "log_softmax", "sigmoid", "log_sigmoid", "hard_sigmoid")


def _noting(plain: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(plain)
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        output = plain(x, *args, **kwargs)
        for level, found in _NOTED.lists:
            if level == trace_level():
                found.append((x, output))
        return output

    return call


_BACKENDS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
