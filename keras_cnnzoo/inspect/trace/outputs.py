"""What an operation gives on tensors without values, also where Keras is wrong."""

from typing import Any

import keras
from keras import KerasTensor, tree

from keras_cnnzoo.axes import spatial_axes


def output_of(
    op: keras.Operation, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Return the symbolic tensors that an operation gives."""
    if type(op).__name__ in ("AdaptiveAveragePool", "AdaptiveMaxPool"):
        return _pooled(op, args[0])
    try:
        return op.compute_output_spec(*args, **kwargs)
    except Exception:
        # A grouped `ops.conv` fails on symbolic tensors (Keras 3.15.1); where a
        # backend runs it, it does not.
        given = tree.map_structure(_without_value, args)
        return keras.Operation.compute_output_spec(op, *given, **kwargs)


def _pooled(op: Any, x: KerasTensor) -> KerasTensor:
    """Do what adaptive pooling of Keras 3.15 does wrongly under channels last."""
    shape = list(x.shape)
    axes = spatial_axes(op.data_format, len(shape))
    for axis, size in zip(axes, op.output_size, strict=True):
        shape[axis] = size
    return KerasTensor(shape, x.dtype)


def _without_value(x: Any) -> Any:
    """Return a symbolic tensor in the place of a weight; JAX traces no others."""
    return KerasTensor(x.shape, x.dtype) if isinstance(x, keras.Variable) else x
