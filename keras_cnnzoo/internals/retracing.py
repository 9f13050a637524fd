"""Have `fit`, `evaluate` and `predict` trace their steps anew.

Keras traces each step once and keeps it, also where the model's call has changed.
"""

import contextlib
from collections.abc import Iterator

import keras


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
