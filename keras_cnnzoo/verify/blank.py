"""Build models without random initial weights, if the weights are set afterwards.

Drawing the initial weights of a large network takes longer than a forward pass, and
here they would be replaced anyway.
"""

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import keras

RANDOM = (
    keras.initializers.Orthogonal,
    keras.initializers.RandomNormal,
    keras.initializers.RandomUniform,
    keras.initializers.TruncatedNormal,
    keras.initializers.VarianceScaling,
)


@contextlib.contextmanager
def without_drawing() -> Iterator[None]:
    """Within the context, let Keras's random initializers return zeros.

    This affects the whole process, so no other thread may build models meanwhile.
    """
    with contextlib.ExitStack() as stack:
        for initializer in RANDOM:
            stack.enter_context(mock.patch.object(initializer, "__call__", _zeros))
        yield


def _zeros(self: Any, shape: Any, dtype: Any = None, **options: Any) -> Any:
    return keras.ops.zeros(shape, dtype or keras.config.floatx())
