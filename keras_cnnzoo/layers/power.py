"""The computations of Lp pooling: window sums, and powers without overflow."""

import functools
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


def widen(x: Any) -> Any:
    """Cast to at least float32: in float16, squares overflow at 256, vanish at 2e-4."""
    return ops.cast(x, keras.backend.result_type(x.dtype, "float32"))


def magnitude(x: Any) -> Any:
    """Return |x| with slope 0 at 0, where `ops.abs` has slope 1 under JAX."""
    return x * ops.stop_gradient(ops.sign(x))


def lp_norm(x: Any, p: float, total: Callable[[Any], Any], axes: Sequence[int]) -> Any:
    """Return `total(|x| ** p) ** (1 / p)`, where `total` sums or averages over `axes`.

    In float32 a seventh power is in range only for values between 4e-6 and 3e5. For any
    `p` except 1 and 2 the values are therefore divided by their maximum first, which is
    a constant for the gradient. Squares are fine from 1e-16 to 1e19 and do without this
    extra pass.
    """
    if p == 1:
        return total(magnitude(x))
    if p == 2:
        return _root(total(ops.square(x)), p)
    x = ops.abs(x)
    unit = largest(x, axes)
    return _root(total(ops.power(x / unit, p)), p) * unit


def largest(x: Any, axes: Sequence[int]) -> Any:
    """Return the maximum over `axes` as a constant that is safe to divide by."""
    # Compilers may divide by multiplying with the reciprocal; both bounds have a normal
    # one.
    tiny = float(np.finfo(keras.backend.standardize_dtype(x.dtype)).tiny)
    return ops.clip(ops.max(ops.stop_gradient(x), axes, keepdims=True), tiny, 1 / tiny)


def _root(total: Any, p: float) -> Any:
    """Take the p-th root; at 0, value and gradient are 0, not an infinite slope."""
    # A margin over the smallest number keeps gradients finite, even with loss scaling.
    floor = 1e6 * float(np.finfo(keras.backend.standardize_dtype(total.dtype)).tiny)
    guarded = ops.maximum(total, floor)
    root = ops.sqrt(guarded) if p == 2 else ops.power(guarded, 1 / p)
    # With this comparison NaN stays NaN instead of becoming 0.
    return ops.where(total <= floor, 0.0, root)


def pad_same(
    x: Any, axes: Sequence[int], pool_size: Sequence[int], strides: Sequence[int]
) -> Any:
    """Pad with zeros, which do not change a sum, to the extent of "same" pooling.

    `ops.average_pool(padding="same")` is not suitable: if the two sides differ, it
    repeats the border under PyTorch (Keras 3.15.1), and elsewhere it leaves the padding
    out of the average.
    """
    widths = [(0, 0)] * len(x.shape)
    for axis, k, s in zip(axes, pool_size, strides, strict=True):
        # An int if the size is known, else a scalar tensor.
        n = ops.shape(x)[axis]
        missing = (-(-n // s) - 1) * s + k - n
        missing = max(missing, 0) if isinstance(n, int) else ops.maximum(missing, 0)
        widths[axis] = (missing // 2, missing - missing // 2)
    return x if widths == [(0, 0)] * len(widths) else ops.pad(x, widths)


def window_sum(
    x: Any,
    axes: Sequence[int],
    pool_size: Sequence[int],
    strides: Sequence[int],
    data_format: str,
) -> Any:
    """Sum every whole window of `x` by the method that is fastest on the backend.

    There are two methods, since slices are 20 times slower than pooling in a TensorFlow
    graph and up to 10 times faster under JAX. See benchmarks/pooling.md.
    """
    if keras.backend.backend() == "tensorflow":
        return pooled_sum(x, pool_size, strides, data_format)
    return sliced_sum(x, axes, pool_size, strides)


def pooled_sum(
    x: Any, pool_size: Sequence[int], strides: Sequence[int], data_format: str
) -> Any:
    """Sum windows by average pooling."""
    mean = ops.average_pool(x, pool_size, strides, "valid", data_format)
    return mean * math.prod(pool_size)


def sliced_sum(
    x: Any, axes: Sequence[int], pool_size: Sequence[int], strides: Sequence[int]
) -> Any:
    """Sum windows by adding strided slices, along one axis after the other.

    The gradient is given explicitly, as the transposed operation. The automatic one
    fills and adds a whole array per slice, which takes twice as long. Both operations
    are linear, so that higher derivatives are right too.
    """
    windows = list(zip(axes, pool_size, strides, strict=True))

    @ops.custom_gradient
    def total(x: Any) -> tuple[Any, Callable[..., Any]]:
        sizes = tuple(x.shape)

        def gradient(*args: Any, upstream: Any = None) -> Any:
            # PyTorch passes `upstream` by name, JAX by position.
            spread = args[0] if upstream is None else upstream
            for axis, k, s in reversed(windows):
                spread = _spread(spread, axis, k, s, sizes[axis])
            return spread

        y = x
        for axis, k, s in windows:
            end = (sizes[axis] - k) // s * s + 1
            y = _add(_cut(y, axis, slice(i, i + end, s)) for i in range(k))
        return y, gradient

    return total(x)


def _spread(x: Any, axis: int, k: int, s: int, size: int) -> Any:
    """Add every entry to the `k` positions of its window: the transposed window sum."""
    steps = x.shape[axis]
    pieces = []
    # A window is cut into pieces no longer than the stride, which do not overlap.
    for start in range(0, k, s):
        width = min(s, k - start)
        shape = (*x.shape[: axis + 1], width, *x.shape[axis + 1 :])
        piece = ops.broadcast_to(ops.expand_dims(x, axis + 1), shape)
        piece = _pad(piece, axis + 1, 0, s - width)
        piece = ops.reshape(piece, (*x.shape[:axis], steps * s, *x.shape[axis + 1 :]))
        piece = _cut(piece, axis, slice(0, size - start))
        pieces.append(_pad(piece, axis, start, size - start - piece.shape[axis]))
    return _add(pieces)


def _add(terms: Iterable[Any]) -> Any:
    # `sum` would begin with 0 and so take one more pass over the data.
    return functools.reduce(operator.add, terms)


def _cut(x: Any, axis: int, part: slice) -> Any:
    return x[(slice(None),) * axis + (part,)]


def _pad(x: Any, axis: int, before: int, after: int) -> Any:
    if before == after == 0:
        return x
    widths = [(0, 0)] * len(x.shape)
    widths[axis] = (before, after)
    return ops.pad(x, widths)
