"""Output sizes of convolutions and pooling, and the padding that gives a size.

For `n` input pixels, kernel size `k`, stride `s`, dilation `d` and `p` pixels of
padding in total, `floor((n + p - (d * (k - 1) + 1)) / s) + 1` windows fit.
"""

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, TypeAlias

#: One number for every dimension, or one per dimension.
Size: TypeAlias = int | Sequence[int]
#: The size of a feature map; None if it is not known.
MapSize: TypeAlias = int | Sequence[int | None] | None
#: A word such as "same"; or pixels, as an int or a (before, after) pair, either for all
#: dimensions or one per dimension.
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
    """Return the size of a convolution's output feature map.

    Args:
        input: Size of the input: an int for one dimension, a tuple for several. If it
            is None, so is the result.
        kernel: Size of the window: one int for every dimension, or one per dimension.
        stride: Step between windows.
        dilation: Step between the pixels of a window.
        padding: "valid": no padding. "same": padding that makes the output size
            `ceil(input / stride)`. "full": padding so wide that every window that
            covers at least one pixel counts. "causal": padding before the input only,
            as much as "full" has there. Or the padding in pixels: an int for both sides
            or a (before, after) pair, either for all dimensions or one per dimension.

    Returns:
        An int or None; a tuple of them if the input, kernel, stride or dilation is
        given per dimension.

    Raises:
        ValueError: The kernel does not fit into the padded input, or an argument is
            invalid.

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
    """Return the size of a pooling layer's output feature map.

    Args:
        input: As for `conv_output_size`.
        pool: Size of the window.
        stride: None uses the window's size, as Keras and PyTorch do.
        padding: As for `conv_output_size`.
        ceil_mode: Whether the last window may extend past the end, as in Caffe and
            with PyTorch's `ceil_mode`. It must begin within the input or in the
            padding before it.

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
    """Return the size of a transposed convolution's output feature map.

    A convolution with the same arguments maps an input of the returned size to an
    output of size `input`. With a stride above 1 several sizes qualify, and
    `output_padding` chooses among them.

    Args:
        input: Size of the smaller feature map.
        kernel: As for `conv_output_size`.
        stride: As for `conv_output_size`; here the feature map grows by this factor.
        padding: "valid", "same", or a number of pixels as in PyTorch: the padding of
            the matching convolution, which the transposed one cuts off.
        dilation: As for `conv_output_size`.
        output_padding: Pixels added at the end of each dimension. None does as Keras:
            for "same", it makes the size `input * stride`; for "valid", it adds the
            pixels by which the stride exceeds the kernel. With padding in pixels, None
            is 0.

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
            # Keras crops half of the kernel at both ends, then adds `output_padding`.
            return n * s if extra is None else (n - 1) * s + reach % 2 + extra
        before, after = (0, 0) if p == "valid" else sides(p, n, k, s, d)
        if extra is None:
            extra = max(s - reach, 0) if p == "valid" else 0
        return (n - 1) * s + reach - before - after + extra

    return _each(one, input, kernel, stride, padding, dilation, output_padding)


def same_padding(
    kernel: Size, stride: Size = 1, dilation: Size = 1, input: MapSize = None
) -> Any:
    """Return the padding that makes the output size `ceil(size / stride)`.

    This is "same" padding as in TensorFlow and Keras: the least that gives this size,
    with any odd pixel at the end. PyTorch and Caffe pad by `dilation * (kernel - 1) /
    2` on both sides for an odd kernel. The output size is the same, but at strides
    above 1 the windows may lie at other positions.

    Args:
        kernel: As for `conv_output_size`.
        stride: As for `conv_output_size`.
        dilation: As for `conv_output_size`.
        input: Size of the input. It matters only if the stride is above 1. None assumes
            a multiple of the stride.

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
    """Return the least padding with which a convolution gives a certain output size.

    Args:
        input: Size of the input feature map.
        output: Wanted size of the output feature map.
        kernel: As for `conv_output_size`.
        stride: As for `conv_output_size`.
        dilation: As for `conv_output_size`.

    Returns:
        (before, after), with any odd pixel at the end, or one such pair per dimension.

    Raises:
        ValueError: Even without padding, the output would be larger than wanted.

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
    """Return the padding of one dimension in pixels, as (before, after)."""
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
