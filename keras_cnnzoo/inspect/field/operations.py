"""Which values of its inputs each output value of an operation depends on.

A table of `keras.ops` by name. An operation that is not in it depends on all values.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from keras import KerasTensor

from keras_cnnzoo.inspect.field.intervals import Link, View, Window, Wiring
from keras_cnnzoo.inspect.field.windows import SLIDING
from keras_cnnzoo.inspect.trace.calls import RAW, OpCall

#: Where operations are defined whose names mean what the table says.
OURS = ("keras.", RAW.__module__)
#: Of one input, by its number among the call's tensors.
Rule = Callable[[OpCall, int], Wiring]


def _words(text: str) -> list[str]:
    return text.split()


PIXELWISE = _words("""
    ReLU Relu Relu6 Sigmoid SparseSigmoid Softplus Softsign SoftShrink SparsePlus Silu
    Squareplus LogSigmoid LeakyRelu HardSigmoid HardSilu Elu Selu Gelu Celu TanhShrink
    HardTanh HardShrink Threshold Cast SaturateCast ConvertToTensor StopGradient Rsqrt
    Erf Erfc Erfinv Absolute Fabs Add Angle Arccos Arccosh Arcsin Arcsinh Arctan Arctan2
    Arctanh BitwiseAnd BitwiseInvert BitwiseNot BitwiseOr BitwiseXor BroadcastTo Cbrt
    Ceil Clip Conjugate Copy Cos Cosh Deg2rad Rad2deg Divide DivideNoNan Equal Exp Exp2
    Expm1 Floor FloorDivide Fmax Fmin Fmod Greater GreaterEqual Heaviside Hypot Imag
    Isclose Isfinite Isinf Isnan Isneginf Isposinf Isreal Less LessEqual Log Log10 Log1p
    Log2 Logaddexp Logaddexp2 LogicalAnd LogicalNot LogicalOr LogicalXor Maximum Minimum
    Mod Multiply NanToNum Negative NotEqual Power Real Reciprocal Round Sign Signbit Sin
    Sinc Sinh Sqrt Square Subtract Tan Tanh TrueDivide Trunc Where
""")
#: These mix along their `axis` or `axes` alone; None stands for all.
MIXING = _words("""
    All Amax Amin Any Argmax Argmin Argsort Average BatchNorm CountNonzero Cumprod
    Cumsum Glu LayerNorm LogSoftmax Logsumexp Max Mean Median Min Moments Norm Normalize
    Prod RMSNorm Roll Softmax Sort Sparsemax Std Sum Var
""")
RESHAPING = ("ExpandDims", "Ravel", "Reshape", "Squeeze")


def wiring(call: OpCall, index: int, view: View) -> Wiring:
    """Return how a call's outputs are wired to one of its tensors, seen as `view`."""
    kind = type(call.op)
    name = kind.__name__ if kind.__module__.startswith(OURS) else ""
    if name in RESHAPING:
        marked = {along.dim for along in view if along.dim is not None}
        return _reshaping(call.tensors[index].shape, call.outputs[0].shape, marked)
    return RULES.get(name, _everything)(call, index)


def _everything(call: OpCall, index: int) -> Wiring:
    return [None] * len(call.outputs[0].shape)


def _pixelwise(call: OpCall, index: int) -> Wiring:
    shape, out = call.tensors[index].shape, call.outputs[0].shape
    ahead = len(out) - len(shape)
    links: list[Link | None] = [None] * ahead
    for dim, size in enumerate(shape):
        stretched = size == 1 and out[ahead + dim] != 1
        links.append(None if stretched else Link(dim))
    return links


def _raw(call: OpCall, index: int) -> Wiring:
    """Wire what is not known to what has as many rows and columns."""
    pairs = zip(call.tensors[index].shape, call.outputs[0].shape, strict=True)
    return [Link(dim) if n == m else None for dim, (n, m) in enumerate(pairs)]


def _mixing(call: OpCall, index: int) -> Wiring:
    rank, out = len(call.tensors[index].shape), len(call.outputs[0].shape)
    axis = getattr(call.op, "axis", getattr(call.op, "axes", None))
    mixed = set(range(rank)) if axis is None else _positive(axis, rank)
    if out == rank:
        return [None if dim in mixed else Link(dim) for dim in range(rank)]
    kept = [Link(dim) for dim in range(rank) if dim not in mixed]
    return kept if len(kept) == out else _everything(call, index)


def _positive(axis: int | Sequence[int], rank: int) -> set[int]:
    axes = (axis,) if isinstance(axis, int) else axis
    return {a % rank for a in axes}


def _ordered(order: Callable[[OpCall, int], Sequence[int]]) -> Rule:
    def rule(call: OpCall, index: int) -> Wiring:
        return [Link(dim) for dim in order(call, len(call.tensors[index].shape))]

    return rule


def _moved(call: OpCall, rank: int) -> list[int]:
    source = [s % rank for s in call.op.source]
    order = [dim for dim in range(rank) if dim not in source]
    pairs = zip([d % rank for d in call.op.destination], source, strict=True)
    for target, dim in sorted(pairs):
        order.insert(target, dim)
    return order


def _swapped(call: OpCall, rank: int) -> list[int]:
    order = list(range(rank))
    a, b = call.op.axis1 % rank, call.op.axis2 % rank
    order[a], order[b] = b, a
    return order


def _concatenated(call: OpCall, index: int) -> Wiring:
    shape = call.tensors[index].shape
    axis = call.op.axis % len(shape)
    ahead = [_shape(x)[axis] for x in _before(call, index)]
    links: list[Link | None] = [Link(dim) for dim in range(len(shape))]
    shift = -sum(ahead) if None not in ahead else None
    links[axis] = None if shift is None else Link(axis, Window(1, shift, shift))
    return links


def _before(call: OpCall, index: int) -> list:
    """List what is joined before one of the tensors; constants count as well."""
    symbolic = [i for i, x in enumerate(call.args[0]) if isinstance(x, KerasTensor)]
    return list(call.args[0])[: symbolic[index]]


def _shape(x) -> Sequence[int | None]:
    return tuple(x.shape)


def _stacked(call: OpCall, index: int) -> Wiring:
    rank = len(call.tensors[index].shape)
    links: list[Link | None] = [Link(dim) for dim in range(rank)]
    links.insert(call.op.axis % (rank + 1), None)
    return links


def _split(call: OpCall, index: int) -> Wiring:
    rank = len(call.tensors[index].shape)
    axis = call.op.axis % rank
    kept = [None if dim == axis else Link(dim) for dim in range(rank)]
    if len(call.outputs[0].shape) < rank:
        del kept[axis]
    return kept


def _sliced(call: OpCall, index: int) -> Wiring:
    key = call.args[1]
    key = list(key) if isinstance(key, tuple | list) else [key]
    shape = call.tensors[index].shape
    taken = sum(isinstance(part, int | slice) for part in key)
    if index or taken + key.count(None) + key.count(...) < len(key):
        return _everything(call, index)
    rest = [slice(None)] * (len(shape) - taken)
    if ... in key:
        key[key.index(...) : key.index(...) + 1] = rest
    else:
        key += rest
    links: list[Link | None] = []
    dim = 0
    for part in key:
        if part is None:
            links.append(None)
            continue
        if isinstance(part, slice):
            links.append(_step(dim, shape[dim], part))
        dim += 1
    return links


def _step(dim: int, size: int | None, part: slice) -> Link | None:
    if part == slice(None):
        return Link(dim)
    if size is not None:
        start, _, step = part.indices(size)
    else:
        start, step = part.start or 0, part.step or 1
        if start < 0 or step < 0:  # From an end that is not known.
            return None
    return Link(dim, Window(step, start, start))


def _flipped(call: OpCall, index: int) -> Wiring:
    shape, axis = call.tensors[index].shape, call.op.axis
    turned = _positive(range(len(shape)) if axis is None else axis, len(shape))
    return [
        (None if size is None else Link(dim, Window(-1, size - 1, size - 1)))
        if dim in turned
        else Link(dim)
        for dim, size in enumerate(shape)
    ]


def _repeated(call: OpCall, index: int) -> Wiring:
    times, axis = call.op.repeats, call.op.axis
    rank = len(call.tensors[index].shape)
    if axis is None or not isinstance(times, int):
        return _everything(call, index)
    links = [Link(dim) for dim in range(rank)]
    step = Fraction(1, times)
    links[axis % rank] = Link(axis % rank, Window(step, step - 1, 0))
    return links


def _padded(call: OpCall, index: int) -> Wiring:
    if index:  # the constant that it is filled with
        return _everything(call, index)
    rank = len(call.tensors[0].shape)
    width = call.op.pad_width
    before = [pair[0] for pair in (width * rank if len(width) == 1 else width)]
    return [Link(dim, Window(1, -p, -p)) for dim, p in enumerate(before)]


def _multiplied(call: OpCall, index: int) -> Wiring:
    """Wire `matmul`: rows of the first meet columns of the second."""
    shapes = [tuple(x.shape) for x in call.args[:2]]
    side = 0 if call.args[0] is call.tensors[index] else 1
    rank, out = len(shapes[side]), len(call.outputs[0].shape)
    if min(map(len, shapes)) < 2 or call.args[0] is call.args[1]:
        return _everything(call, index)
    ahead = [None] * (out - rank)
    batch = [Link(dim) if n != 1 else None for dim, n in enumerate(shapes[side][:-2])]
    ends = [Link(rank - 2), None] if side == 0 else [None, Link(rank - 1)]
    return [*ahead, *batch, *ends]


def _reshaping(shape, out, marked: set[int]) -> Wiring:
    """Wire a reshape: dimensions that stay, split or merge as images' rows may."""
    links: list[Link | None] = [None] * len(out)
    if len(out) <= 2:  # No place is left for a row; batch and features are.
        return links
    for ins, outs in _groups(shape, out):
        wide_in = [d for d in ins if shape[d] != 1] or ins[:1]
        wide_out = [d for d in outs if out[d] != 1] or outs[:1]
        if len(wide_in) == len(wide_out) == 1:
            links[wide_out[0]] = Link(wide_in[0])
        elif len(wide_in) == 1 and None not in (shape[wide_in[0]], out[wide_out[0]]):
            inner = shape[wide_in[0]] // out[wide_out[0]]
            links[wide_out[0]] = Link(wide_in[0], Window(inner, 0, inner - 1))
        elif len(wide_out) == 1 and marked & set(wide_in) == {wide_in[0]}:
            inner = math.prod(shape[d] for d in wide_in[1:])
            step = Fraction(1, inner)
            links[wide_out[0]] = Link(wide_in[0], Window(step, step - 1, 0))
    return links


def _groups(shape, out) -> list[tuple[list[int], list[int]]]:
    """Pair runs of dimensions that hold the same numbers before and after a reshape."""
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(shape) and j < len(out):
        ins, outs = [i], [j]
        i, j = i + 1, j + 1
        if shape[ins[0]] is None or out[outs[0]] is None:
            if shape[ins[0]] is not out[outs[0]]:
                return groups  # What holds what is not known from here on.
        else:
            left, right = shape[ins[0]], out[outs[0]]
            while left != right:
                grow_left = left < right
                where, size = (i, shape) if grow_left else (j, out)
                if where >= len(size) or size[where] is None:
                    return groups
                if grow_left:
                    left, i = left * size[where], i + 1
                    ins.append(where)
                else:
                    right, j = right * size[where], j + 1
                    outs.append(where)
        groups.append((ins, outs))
    return groups


RULES: dict[str, Rule] = {
    **dict.fromkeys(PIXELWISE, _pixelwise),
    **dict.fromkeys(MIXING, _mixing),
    **SLIDING,
    "Concatenate": _concatenated,
    "Flip": _flipped,
    "GetItem": _sliced,
    "Matmul": _multiplied,
    "Moveaxis": _ordered(_moved),
    "Pad": _padded,
    "Raw": _raw,
    "Repeat": _repeated,
    "Split": _split,
    "Stack": _stacked,
    "Swapaxes": _ordered(_swapped),
    "Transpose": _ordered(lambda c, rank: c.op.axes or range(rank - 1, -1, -1)),
    "Unstack": _split,
}
