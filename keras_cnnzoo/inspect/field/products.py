"""Receptive-field rules: products of tensors.

For a product with a constant matrix, such as one that averages, the constant decides:
an output value depends on the input values that are not multiplied by zero.
"""

from fractions import Fraction
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from keras_cnnzoo.backend.forward import to_numpy
from keras_cnnzoo.inspect.field.edges import Edge, everything, same_dims
from keras_cnnzoo.inspect.field.windows import Link, Links, Lookup, Window


def einsum(edge: Edge) -> Links:
    """Link through `einsum`: dimensions with the same letter."""
    terms, arrow, result = edge.op.subscripts.replace(" ", "").partition("->")
    operands = terms.split(",")
    own = operands[edge.position or 0]
    given = edge.call.tensors[edge.given]
    repeated = sum(x is given for x in edge.args) > 1
    if not arrow or "." in terms or len(set(own)) < len(own) or repeated:
        return everything(edge)
    links = [
        Link(own.index(letter), result.index(letter))
        for letter in own
        if letter in result
    ]
    for letters, factor in zip(operands, edge.args, strict=True):
        matrix = _constant(factor)
        if matrix is None or len(letters) != 2 or len(set(letters)) < 2:
            continue
        for summed, kept in (letters, letters[::-1]):
            if summed in own and kept in result and summed not in result:
                shares = matrix if letters[0] == kept else matrix.T
                links.append(_by_shares(shares, own.index(summed), result.index(kept)))
    return links


def matmul(edge: Edge) -> Links:
    """Link through `matmul`: the first input's rows, the second input's columns."""
    side = edge.position
    shapes = [tuple(x.shape) for x in edge.args[:2]]
    if side is None or min(map(len, shapes)) < 2 or edge.args[0] is edge.args[1]:
        return everything(edge)
    rank, out = len(shapes[side]), len(edge.out)
    batch = [
        Link(dim, out - rank + dim) for dim, n in enumerate(edge.shape[:-2]) if n != 1
    ]
    kept, summed = (rank - 2, rank - 1) if side == 0 else (rank - 1, rank - 2)
    links = [*batch, Link(kept, out - rank + kept)]
    matrix = _constant(edge.args[1 - side])
    if matrix is not None and matrix.ndim == 2:
        shares = matrix.T if side == 0 else matrix
        links.append(_by_shares(shares, summed, out - rank + summed))
    return links


def attention(edge: Edge) -> Links:
    """Link through `dot_product_attention`: each query depends on all keys."""
    return same_dims(range(3) if edge.position == 0 else (0,))


def _constant(factor: Any) -> np.ndarray | None:
    """Return the values of a factor that is a constant; None for weights and inputs."""
    if isinstance(factor, keras.Variable | KerasTensor):
        return None
    if not ops.is_tensor(factor) and not isinstance(factor, np.ndarray):
        return None
    try:
        return factor if isinstance(factor, np.ndarray) else to_numpy(factor)
    except Exception:  # While tracing, a backend's tensor may have no values.
        return None


def _by_shares(shares: np.ndarray, source: int, target: int) -> Link:
    """Link each row of a matrix to the range of its non-zero columns."""
    seen = shares != 0
    first = np.where(seen.any(1), seen.argmax(1), 1)
    last = np.where(seen.any(1), seen.shape[1] - 1 - seen[:, ::-1].argmax(1), 0)
    step = Fraction(seen.shape[1], seen.shape[0])
    even = [step * row for row in range(len(seen))]
    outline = Window(
        step,
        min(int(a) - e for a, e in zip(first, even, strict=True)),
        max(int(b) - e for b, e in zip(last, even, strict=True)),
    )
    return Link(source, target, Lookup(first, last, outline))
