"""The rate at which the device multiplies large matrices: what it reaches at best."""

import math

import numpy as np
from keras import ops

from keras_cnnzoo.backend.forward import to_numpy
from keras_cnnzoo.bench.turns import Steps, timed

#: Sizes that are tried, until a product takes LONG_ENOUGH seconds.
SIDES = tuple(256 * 2**power for power in range(6))
LONG_ENOUGH = 0.02


def matrix_product(dtype: str, sides: tuple[int, ...] = SIDES) -> tuple[int, Steps]:
    """Return the side of matrices large enough to keep the device busy, and a product.

    The product runs as Keras's backend computes it by default. For float32, this may
    round the operands to fewer bits on an accelerator, as in a convolution.

    Args:
        dtype: The type of the matrices: "float32", "bfloat16" or "float16".
        sides: The sides to choose from, in increasing order.

    Returns:
        The side, and a function that multiplies. A product of two matrices of a side
        is `operations(side)` floating-point operations.
    """
    for side in sides:
        product = _product(side, dtype)
        product(1)
        if product(1) >= LONG_ENOUGH:
            break
    return side, product


def operations(side: int) -> int:
    """Return the floating-point operations of a product of two square matrices.

    Example:
        >>> operations(1024) == 2 * 1024**3
        True
    """
    return 2 * side**3


def _product(side: int, dtype: str) -> Steps:
    rng = np.random.default_rng(0)
    one, other = (
        ops.cast(
            ops.convert_to_tensor(rng.normal(size=(side, side)) / math.sqrt(side)),
            dtype,
        )
        for _ in range(2)
    )
    last = None

    def multiply() -> None:
        nonlocal last
        last = ops.matmul(one, other)

    def finish() -> None:
        to_numpy(ops.cast(last[:1, :1], "float32"))  # the device computes in order

    return timed(multiply, finish)
