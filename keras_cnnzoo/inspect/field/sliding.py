"""Receptive-field rules: sliding windows, resizing, padding and cropping."""

from collections.abc import Callable
from fractions import Fraction

from keras_cnnzoo.axes import spatial_axes
from keras_cnnzoo.inspect.arithmetic.sizes import sides
from keras_cnnzoo.inspect.field.edges import Edge, Rule, everything, one_of
from keras_cnnzoo.inspect.field.windows import SAME, Link, Links, Window

#: Half the width of an interpolation's window, in pixels of the larger map.
REACH = {"bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}
HALF = Fraction(1, 2)
#: `(input size, output size, axis) -> window`; None if units see the whole axis.
Along = Callable[[int | None, int | None, int], Window | None]


def _sliding(edge: Edge, along: Along) -> Links:
    """Link rows to rows and columns to columns; outputs depend on all channels."""
    batched = len(edge.out) != 3 or not _takes_one_image(edge)
    first = spatial_axes(edge.op.data_format)[0] - (not batched)
    links = [Link(0, 0)] if batched else []
    for axis in range(len(edge.shape) - 2 if batched else 2):
        dim = first + axis
        window = along(edge.shape[dim], edge.out[dim], axis)
        if window is not None:
            links.append(Link(dim, dim, window))
    return links


def _takes_one_image(edge: Edge) -> bool:
    """Tell whether an operation takes images, which may come without a batch."""
    return type(edge.op).__module__.rpartition(".")[2] in ("image", "resizing")


def _kernel_only(rule: Rule) -> Rule:
    """Apply a rule to the feature map only; a kernel may affect every output value."""
    return lambda edge: rule(edge) if edge.position == 0 else everything(edge)


def forward(
    n: int | None, kernel: int, stride: int, padding: str, dilation: int
) -> Window:
    """Return the window of a convolution or pooling."""
    before, _ = sides(padding, n, kernel, stride, dilation)
    return Window(stride, -before, dilation * (kernel - 1) - before, dilation)


@_kernel_only
def convolution(edge: Edge) -> Links:
    """Link through `conv`, `depthwise_conv` and `separable_conv`."""
    op, kernel = edge.op, edge.args[1].shape

    def along(n: int | None, m: int | None, axis: int) -> Window:
        step, dilation = one_of(op.strides, axis), one_of(op.dilation_rate, axis)
        return forward(n, kernel[axis], step, op.padding, dilation)

    return _sliding(edge, along)


@_kernel_only
def transposed(edge: Edge) -> Links:
    """Link through `conv_transpose`: invert the windows of the matching convolution."""
    op, kernel = edge.op, edge.args[1].shape

    def along(n: int | None, m: int | None, axis: int) -> Window:
        stride = one_of(op.strides, axis)
        dilation = one_of(op.dilation_rate, axis)
        reach = dilation * (kernel[axis] - 1) + 1
        cut = 0
        if op.padding == "same":
            extra = op.output_padding
            grown = stride if extra is None else reach % 2 + one_of(extra, axis)
            cut = max((reach - grown) // 2, 0)
        return Window(
            Fraction(1, stride),
            Fraction(cut - reach + 1, stride),
            Fraction(cut, stride),
            dilation if stride == 1 else 1,
        )

    return _sliding(edge, along)


def pooling(edge: Edge) -> Links:
    """Link through `max_pool` and `average_pool`."""
    op = edge.op

    def along(n: int | None, m: int | None, axis: int) -> Window:
        size = one_of(op.pool_size, axis)
        step = size if op.strides is None else one_of(op.strides, axis)
        return forward(n, size, step, op.padding, 1)

    return _sliding(edge, along)


def patches(edge: Edge) -> Links:
    """Link through `image.extract_patches`."""
    op = edge.op

    def along(n: int | None, m: int | None, axis: int) -> Window:
        size = one_of(op.size, axis)
        step = size if op.strides is None else one_of(op.strides, axis)
        return forward(n, size, step, op.padding, one_of(op.dilation_rate, axis))

    return _sliding(edge, along)


def adaptive(edge: Edge) -> Links:
    """Link through adaptive pooling: `floor(i n / m)` to `ceil((i + 1) n / m) - 1`."""

    def along(n: int | None, m: int | None, axis: int) -> Window | None:
        if n is None or not m:
            return None
        step = Fraction(n, m)
        slack = 1 - Fraction(1, step.denominator)
        return Window(step, -slack, step + slack - 1)

    return _sliding(edge, along)


def resizing(edge: Edge) -> Links:
    """Link through `image.resize` and `Resizing`."""
    op = edge.op

    def along(n: int | None, m: int | None, axis: int) -> Window | None:
        if n is None or not m or op.crop_to_aspect_ratio or op.pad_to_aspect_ratio:
            return None
        step = Fraction(n, m)
        if n == m:
            return SAME
        # Pixel centres lie at half-integer coordinates.
        centre = step / 2 - HALF
        # Positions are multiples of 1 / (2 m). Pixels exactly on the edge of the window
        # have weight 0, so the window is made smaller by that step.
        least = Fraction(1, 2 * m)
        if op.interpolation == "nearest":
            # The pixel that contains the centre. If the centre lies on the boundary of
            # two pixels, some backends take the one before.
            on_boundary = step.numerator % 2 == 0
            return Window(
                step, centre - HALF + least * (not on_boundary), centre + HALF
            )
        reach = REACH[op.interpolation] * max(step if op.antialias else 1, 1) - least
        return Window(step, centre - reach, centre + reach)

    return _sliding(edge, along)


def cropping(edge: Edge) -> Links:
    """Link through `CenterCrop`, which resizes an image that is too small."""

    def along(n: int | None, m: int | None, axis: int) -> Window | None:
        if n is None or not m or n < m:
            return None
        return Window(1, (n - m) // 2, (n - m) // 2)

    return _sliding(edge, along)


def shifting(sign: int, sides_of: tuple[tuple[str, str], tuple[str, str]]) -> Rule:
    """Return the rule for `image.pad_images` or `image.crop_images`.

    Args:
        sign: 1 for padding, -1 for cropping.
        sides_of: For both axes, the names of the arguments for the amounts before and
            after.
    """

    def rule(edge: Edge) -> Links:
        def along(n: int | None, m: int | None, axis: int) -> Window | None:
            before, behind = (getattr(edge.op, name) for name in sides_of[axis])
            if before is None:
                if n is None or m is None or behind is None:
                    return None
                before = sign * (m - n) - behind
            return Window(1, -sign * before, -sign * before)

        return _sliding(edge, along)

    return rule


def around(edge: Edge) -> Links:
    """Link through filters of odd size that keep the image's size: blur and edges."""

    def along(n: int | None, m: int | None, axis: int) -> Window:
        reach = one_of(getattr(edge.op, "kernel_size", 3), axis) // 2
        return Window(1, -reach, reach)

    links = _sliding(edge, along)
    return [link for link in links if link.target < len(edge.out)]


def to_depth(edge: Edge) -> Links:
    """Link through `space_to_depth`."""
    size = edge.op.block_size
    return _sliding(edge, lambda n, m, axis: Window(size, 0, size - 1))


def to_space(edge: Edge) -> Links:
    """Link through `depth_to_space`."""
    step = Fraction(1, edge.op.block_size)
    return _sliding(edge, lambda n, m, axis: Window(step, step - 1, 0))


ROWS = (("top_padding", "bottom_padding"), ("left_padding", "right_padding"))
CROPPED = (("top_cropping", "bottom_cropping"), ("left_cropping", "right_cropping"))
SLIDING: dict[str, Rule] = {
    "AdaptiveAveragePool": adaptive,
    "AdaptiveMaxPool": adaptive,
    "AveragePool": pooling,
    "CenterCrop": cropping,
    "Conv": convolution,
    "ConvTranspose": transposed,
    "CropImages": shifting(-1, CROPPED),
    "DepthToSpace": to_space,
    "DepthwiseConv": convolution,
    "ExtractPatches": patches,
    "GaussianBlur": around,
    "MaxPool": pooling,
    "PadImages": shifting(1, ROWS),
    "Resize": resizing,
    "Resizing": resizing,
    "SeparableConv": convolution,
    "SobelEdges": around,
    "SpaceToDepth": to_depth,
}
