"""Symbolic outputs of operations, with corrections for errors of Keras."""

from typing import Any

import keras
from keras import KerasTensor, tree

from keras_cnnzoo.axes import spatial_axes


def output_of(
    op: keras.Operation, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Return the symbolic output tensors of an operation."""
    if type(op).__name__ in ("AdaptiveAveragePool", "AdaptiveMaxPool"):
        return _pooled(op, args[0])
    try:
        return op.compute_output_spec(*args, **kwargs)
    except Exception:
        # A grouped `ops.conv` fails on symbolic tensors (Keras 3.15.1), but works if
        # the backend runs it.
        given = tree.map_structure(_without_value, args)
        return keras.Operation.compute_output_spec(op, *given, **kwargs)


def _pooled(op: Any, x: KerasTensor) -> KerasTensor:
    """Return the output of adaptive pooling; Keras 3.15 gets channels last wrong."""
    shape = list(x.shape)
    axes = spatial_axes(op.data_format, len(shape))
    for axis, size in zip(axes, op.output_size, strict=True):
        shape[axis] = size
    return KerasTensor(shape, x.dtype)


def _without_value(x: Any) -> Any:
    """Replace a weight by a symbolic tensor, since JAX can trace only these."""
    return KerasTensor(x.shape, x.dtype) if isinstance(x, keras.Variable) else x
