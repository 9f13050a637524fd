"""Output sizes of convolutions and poolings, and the padding that keeps a size.

With `n` pixels, a kernel of `k`, stride `s`, dilation `d` and `p` pixels of padding
in all, `floor((n + p - (d * (k - 1) + 1)) / s) + 1` windows fit.
"""

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, TypeAlias

#: One number for every dimension, or one per dimension.
Size: TypeAlias = int | Sequence[int]
#: A size of a map, None where it is not known.
MapSize: TypeAlias = int | Sequence[int | None] | None
#: A word; or, for every dimension or per dimension, an int or a (before, after) pair.
Padding: TypeAlias = str | int | Sequence[int | Sequence[int]]
Pair: TypeAlias = tuple[int, int]
WORDS = ("valid", "same", "full", "causal")


def conv_output_size(
    input: MapSize,
    kernel: Size,
    stride: Size = 1,
    padding: Padding = "valid",
    dilation: Size = 1,
) -> Any:
    """Return the size of the map that a convolution gives.

    Args:
        input: Size of the input: an int in one dimension, a tuple in several. Where it
            is None, so is the result.
        kernel: Size of the window: one int for every dimension, or one per dimension.
        stride: Step between windows.
        dilation: Step between the pixels of a window.
        padding: "valid", no padding; "same", so that the size is `ceil(input /
            stride)`; "full", so that every window that touches a pixel counts;
            "causal", all of "full" but only before; or the pixels themselves: an int
            for both sides or a (before, after) pair, in several dimensions one for all
            or one of these per dimension.

    Returns:
        An int or None, or a tuple of them where any argument is one per dimension.

    Raises:
        ValueError: The kernel does not fit into the padded input, or an argument is
            not what it must be.

    Source:
        Dumoulin and Visin, "A guide to convolution arithmetic for deep learning",
        2016, https://arxiv.org/abs/1603.07285, relationships 1 to 6.

    Example:
        >>> conv_output_size(224, 7, stride=2, padding=3)
        112
        >>> conv_output_size((28, 28), 5), conv_output_size((None, 5), 3, 2, "same")
        ((24, 24), (None, 3))
    """

    def one(n: Any, k: Any, s: Any, p: Any, d: Any) -> Any:
        if n is None:
            return None
        reach = d * (k - 1) + 1
        before, after = sides(p, n, k, s, d)
        if (room := n + before + after - reach) < 0:
            raise ValueError(
                f"A window over {reach} pixels (kernel={k}, dilation={d}) does not fit "
                f"into {n} pixels with a padding of {(before, after)}. Make the kernel "
                "smaller, or the input or its padding larger."
            )
        return room // s + 1

    return _each(one, input, kernel, stride, padding, dilation)


def pool_output_size(
    input: MapSize,
    pool: Size,
    stride: Size | None = None,
    padding: Padding = "valid",
    ceil_mode: bool = False,
) -> Any:
    """Return the size of the map that a pooling gives.

    Args:
        input: As for `conv_output_size`.
        pool: Size of the window.
        stride: None steps by the window's size, as Keras and PyTorch do.
        padding: As for `conv_output_size`.
        ceil_mode: Whether a last window may reach over the end, as in Caffe and with
            PyTorch's `ceil_mode`; it must begin within the input or the padding
            before it.

    Example:
        >>> pool_output_size(112, 3, 2), pool_output_size(112, 3, 2, ceil_mode=True)
        (55, 56)
    """

    def one(n: Any, k: Any, s: Any, p: Any, d: Any) -> Any:
        if n is None or not ceil_mode:
            return conv_output_size(n, k, s, p)
        before, after = sides(p, n, k, s, 1)
        size = -(-(n + before + after - k) // s) + 1
        return size - 1 if (size - 1) * s >= n + before else size

    return _each(one, input, pool, pool if stride is None else stride, padding, 1)


def transposed_output_size(
    input: MapSize,
    kernel: Size,
    stride: Size = 1,
    padding: Padding = "valid",
    dilation: Size = 1,
    output_padding: Size | None = None,
) -> Any:
    """Return the size of the map that a transposed convolution gives.

    It is the size of an input that a convolution with the same arguments would bring
    to `input`; several are, and `output_padding` chooses among them.

    Args:
        input: Size of the smaller map.
        kernel: As for `conv_output_size`.
        stride: As for `conv_output_size`; here the map grows by it.
        padding: "valid", "same", or pixels: those the convolution would pad with and
            this one cuts off, as PyTorch counts them.
        dilation: As for `conv_output_size`.
        output_padding: Rows more at the end. None: for "same" as many as give `input *
            stride`, for "valid" all that the stride leaves, as Keras does; 0 else.

    Example:
        >>> transposed_output_size(7, 3, 2, "same")
        14
        >>> transposed_output_size((7, 7), 4, 2, padding=1)
        (14, 14)
    """

    def one(n: Any, k: Any, s: Any, p: Any, d: Any, extra: Any) -> Any:
        if n is None:
            return None
        reach = d * (k - 1) + 1
        if isinstance(p, str) and p not in ("valid", "same"):
            raise ValueError(
                "A transposed convolution's padding is 'valid', 'same' or a number of "
                f"pixels. Received: {p!r}"
            )
        if p == "same":
            # Keras takes an odd kernel's half off both ends, then adds what it is told.
            return n * s if extra is None else (n - 1) * s + reach % 2 + extra
        before, after = (0, 0) if p == "valid" else sides(p, n, k, s, d)
        if extra is None:
            extra = max(s - reach, 0) if p == "valid" else 0
        return (n - 1) * s + reach - before - after + extra

    return _each(one, input, kernel, stride, padding, dilation, output_padding)


def same_padding(
    kernel: Size, stride: Size = 1, dilation: Size = 1, input: MapSize = None
) -> Any:
    """Return the padding with which the size becomes `ceil(size / stride)`.

    It is what "same" means in TensorFlow and Keras: as little as does it, and the odd
    pixel at the end. PyTorch and Caffe pad an odd kernel with `dilation * (kernel - 1)
    / 2` on both sides; that gives the same size, and at strides above 1 other windows.

    Args:
        kernel: As for `conv_output_size`.
        stride: As for `conv_output_size`.
        dilation: As for `conv_output_size`.
        input: Size of the input. It matters where the stride is above 1; None stands
            for one that the stride divides.

    Returns:
        (before, after), or one such pair per dimension.

    Example:
        >>> same_padding(3), same_padding(4), same_padding(3, stride=2, input=224)
        ((1, 1), (1, 2), (0, 1))
        >>> same_padding((3, 5))
        ((1, 1), (2, 2))
    """

    def one(n: Any, k: Any, s: Any, p: Any, d: Any) -> Any:
        n = s if n is None else n
        return padding_for(n, -(-n // s), k, s, d)

    return _each(one, input, kernel, stride, "same", dilation)


def padding_for(
    input: Size, output: Size, kernel: Size, stride: Size = 1, dilation: Size = 1
) -> Any:
    """Return the least padding with which a convolution gives an output of that size.

    Args:
        input: Size of the map that is convolved.
        output: Size of the map that is to come out.
        kernel: As for `conv_output_size`.
        stride: As for `conv_output_size`.
        dilation: As for `conv_output_size`.

    Returns:
        (before, after), the odd pixel at the end, or one such pair per dimension.

    Raises:
        ValueError: The output is smaller than without any padding.

    Example:
        >>> padding_for(32, 32, 5), padding_for(112, 56, 3, stride=2)
        ((2, 2), (0, 1))
    """

    def one(n: Any, k: Any, s: Any, m: Any, d: Any) -> Any:
        reach = d * (k - 1) + 1
        total = (m - 1) * s + reach - n
        if total <= -s:
            raise ValueError(
                f"{n} pixels give more than {m} windows without any padding (kernel={k}"
                f", stride={s}, dilation={d}). Use a larger stride or kernel."
            )
        total = max(total, 0)
        return total // 2, total - total // 2

    return _each(one, input, kernel, stride, output, dilation)


def sides(padding: Any, n: int | None, k: int, s: int, d: int) -> Pair:
    """Return what a padding of one dimension is, in pixels: (before, after)."""
    around = d * (k - 1)
    if padding == "valid":
        return 0, 0
    if padding == "full":
        return around, around
    if padding == "causal":
        return around, 0
    if padding == "same":
        before, after = same_padding(k, s, d, n)
        return before, after
    both = (padding, padding) if isinstance(padding, Integral) else padding
    if isinstance(both, str) or len(both) != 2:
        raise ValueError(
            f"`padding` is one of {WORDS}, an int, or a (before, after) pair, per "
            f"dimension. Received: {padding!r}"
        )
    before, after = both
    return int(before), int(after)


def _each(one: Callable[..., Any], input: MapSize, *arguments: Any) -> Any:
    """Call `one` for each dimension; a single number stands for every dimension."""
    kernel, stride, _, dilation, *_ = arguments
    lengths = {
        len(value)
        for value in (input, kernel, stride, dilation)
        if isinstance(value, Sequence)
    }
    if len(lengths) > 1:
        raise ValueError(
            "Every argument is one number, or has one per dimension. Received: "
            f"input={input}, kernel={kernel}, stride={stride}, dilation={dilation}"
        )
    for name, value in (("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        parts = value if isinstance(value, Sequence) else (value,)
        if not all(isinstance(part, Integral) and int(part) > 0 for part in parts):
            raise ValueError(f"`{name}` is of positive ints. Received: {value!r}")
    if not lengths:
        return one(input, *arguments)
    (rank,) = lengths
    columns = [_per_dimension(value, rank) for value in (input, *arguments)]
    return tuple(one(*row) for row in zip(*columns, strict=True))


def _per_dimension(value: Any, rank: int) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return [value] * rank
    if len(value) != rank:
        raise ValueError(
            f"There are {rank} dimensions, and {len(value)} values: {value!r}"
        )
    return value
