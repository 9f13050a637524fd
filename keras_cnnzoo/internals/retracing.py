"""Make `fit`, `evaluate` and `predict` trace their steps again.

Keras traces each step once and reuses it, even if the model's call has changed.
"""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def traced_anew(model: keras.Model) -> Iterator[None]:
    """Make `fit`, `evaluate` and `predict` use the current `model.call` in the context.

    They are traced again after the context too. Within it, XLA on TensorFlow, which
    does not support callbacks to Python, and `torch.compile` are off.
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
    """Make `fit`, `evaluate` and `predict` trace their next step again.

    This also works while they run, since the loop looks up the step function at every
    step.
    """
    for kind in ("train", "test", "predict"):
        if getattr(model, f"{kind}_function") is not None:
            getattr(model, f"make_{kind}_function")(force=True)
