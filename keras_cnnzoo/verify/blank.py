"""Build models whose weights are about to be set without drawing random numbers first.

Drawing the first weights of a large network takes longer than a pass through it, and
none of those numbers is ever used here.
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
    """Let Keras's random initializers give zeros.

    They do so for the whole process: no other thread should build models meanwhile.
    """
    with contextlib.ExitStack() as stack:
        for initializer in RANDOM:
            stack.enter_context(mock.patch.object(initializer, "__call__", _zeros))
        yield


def _zeros(self: Any, shape: Any, dtype: Any = None, **options: Any) -> Any:
    return keras.ops.zeros(shape, dtype or keras.config.floatx())
