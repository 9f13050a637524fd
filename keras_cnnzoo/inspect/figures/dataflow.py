"""Draw a model as boxes that show the size and number of its feature maps."""

import math
from typing import TYPE_CHECKING

import keras

from keras_cnnzoo.inspect.figures.stages import Stage, stages
from keras_cnnzoo.inspect.figures.style import GREY, INK, QUIET, new_figure
from keras_cnnzoo.structure.shapes import image_shape, spatial_dims

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "image": "#57606a",
    "convolution": "#2f6fd6",
    "pooling": "#e0873a",
    "dense": "#5b8a72",
    "other": GREY,
}
#: Offset of a box's back from its front, to the right and upwards, per unit of depth.
SLANT = (0.5, 0.32)


def plot_dataflow(
    model: keras.Model,
    input_shape: tuple[int, ...] | None = None,
    *,
    limit: int = 18,
    title: str | None = None,
) -> "Figure":
    """Draw how the size of the feature maps changes from the image to the output.

    A box's height and depth show the height and width of the feature maps, its width
    the number of channels. All are drawn as square roots, so that small sizes stay
    visible beside large ones. Consecutive layers with the same output size share a box.
    Convolutions are blue, pooling is orange, dense layers are green.

    Args:
        model: Any built Keras model with one image input.
        input_shape: Shape of one image; None uses the model's own.
        limit: The number of boxes to aim for. If there would be more, consecutive
            layers with the same height and width share a box, which shows the channels
            of the last one.
        title: Title of the figure; None uses the model's name.

    Raises:
        ValueError: The input size is not known and `input_shape` is None.

    Example:
        >>> conv = keras.layers.Conv2D(4, 3)
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), conv])
        >>> figure = plot_dataflow(model)
        >>> [t.get_text() for t in figure.axes[0].texts if "×" in t.get_text()]
        ['8×8×3', '6×6×4']
    """
    shape = image_shape(model, input_shape)
    if None in shape:
        raise ValueError(
            f"{model.name!r} takes images of any size, {shape}, and the sizes on the "
            "way depend on it. Pass `input_shape=(height, width, channels)`."
        )
    sizes = [int(n) for n in shape if n is not None]
    rows, columns = (sizes[dim - 1] for dim in spatial_dims(model, 4))
    image = Stage((rows, columns, math.prod(sizes) // (rows * columns)), [])
    boxes = [image, *stages(model, tuple(sizes), limit)]
    figure = new_figure(1.0, 0.78 * 3.5 + 0.45, title or model.name)
    axes = figure.subplots()
    side = max(rows, columns)
    end = 0.0
    for box in boxes:
        end = _draw(axes, box, end, side) + 0.55
    axes.set_xlim(-0.3, end)
    axes.set_ylim(-1.55, 1.95)
    axes.set_aspect("equal")
    axes.set_axis_off()
    figure.set_figwidth(min(40, max(4.0, 0.78 * (end + 0.3) + 0.3)))
    return figure


def _draw(axes: "Axes", box: Stage, left: float, side: int) -> float:
    """Draw one box, starting at `left`, and return where it ends."""
    from matplotlib.patches import Polygon

    height, depth = (2 * math.sqrt(n / side) * 0.92 + 0.08 for n in box.size[:2])
    width = 0.06 + 0.045 * math.sqrt(box.size[2])
    colour = COLOURS["image" if not box.layers else box.kind]
    dx, dy = SLANT[0] * depth * 0.5, SLANT[1] * depth * 0.5
    low, high = 0.5 - height / 2, 0.5 + height / 2
    faces = {
        0.95: [(0, low), (width, low), (width, high), (0, high)],
        0.55: [(0, high), (width, high), (width + dx, high + dy), (dx, high + dy)],
        0.75: [
            (width, low),
            (width + dx, low + dy),
            (width + dx, high + dy),
            (width, high),
        ],
    }
    # The label of a thin box is wider than the box, so the box is centred above it.
    room = max(width + dx, 0.62)
    start = left + (room - width - dx) / 2
    for alpha, corners in faces.items():
        moved = [(start + x, y) for x, y in corners]
        axes.add_patch(
            Polygon(moved, facecolor=colour, alpha=alpha, edgecolor="white", lw=0.8)
        )
    middle = left + room / 2
    axes.text(middle, -0.78, _size(box), ha="center", va="top", fontsize=8.5, color=INK)
    axes.text(
        middle, -1.04, _words(box), ha="center", va="top", fontsize=7.5, color=QUIET
    )
    return left + room


def _size(box: Stage) -> str:
    height, width, channels = box.size
    return f"{channels}" if height == width == 1 else f"{height}×{width}×{channels}"


def _words(box: Stage) -> str:
    if not box.layers:
        return "image"
    names = [path.rpartition("/")[2] for path, _ in box.layers]
    lines = names if len(names) <= 2 else [names[0], f"… {len(names)} layers"]
    return "\n".join(_cut(name) for name in lines)


def _cut(name: str, most: int = 18) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
