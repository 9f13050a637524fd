"""The common style of all figures: colours, fonts and axes."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

INK, QUIET, LINE, FAINT = "#24292f", "#57606a", "#d0d7de", "#f6f8fa"
BLUE, ORANGE, GREY = "#1f6feb", "#d9731a", "#9aa5b1"
#: From the lowest to the highest value: negative orange, zero white, positive blue.
SIGNED = (
    *("#431d03", "#7d3c0a", "#b95f17", "#e38a3f", "#f5bd8a", "#fbe3cf", "#ffffff"),
    *("#d7e5fb", "#9cc0f5", "#5590e6", "#2560bd", "#123a80", "#081d45"),
)


def new_figure(width: float, height: float, title: str | None = None) -> "Figure":
    """Create a figure that is not registered with pyplot, but that notebooks show.

    Args:
        width: In inches.
        height: In inches.
        title: The title, at the top left.
    """
    from keras_cnnzoo.inspect.figures.notebook_figure import NotebookFigure

    figure = NotebookFigure(figsize=(width, height), layout="constrained")
    if title:
        figure.suptitle(title, fontsize=13, x=0.01, ha="left", color=INK)
    return figure


#: From the lowest to the highest attribution, as on the page of `explain`.
HEAT = ("#2d1160", "#5c187a", "#b5367a", "#f1605d", "#fdae78", "#fcf4b6")


def heat_colours() -> "Colormap":
    """Return the colour map of attributions."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("heat", HEAT)


def signed_colours() -> "Colormap":
    """Return the colour map of signed values."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", SIGNED)


def draw_map(axes: "Axes", values: np.ndarray, low: float, high: float) -> Any:
    """Draw a feature map with the colour map of signed values.

    If zero lies in the range, it is white, so that maps can be compared. Otherwise the
    value nearest to zero is white.
    """
    bound, span = max(-low, high) or 1.0, high - low or 1.0
    if low > 0:
        low -= span
    elif high < 0:
        high += span
    else:
        low, high = -bound, bound
    image = axes.imshow(
        values, cmap=signed_colours(), vmin=low, vmax=high, interpolation="nearest"
    )
    bare(axes)
    return image


def draw_picture(axes: "Axes", picture: np.ndarray) -> None:
    """Draw a uint8 picture, greyscale or RGB."""
    smooth = min(picture.shape[:2]) >= 96
    axes.imshow(
        picture,
        cmap="gray",
        vmin=0,
        vmax=255,
        interpolation="antialiased" if smooth else "nearest",
    )
    bare(axes)


def bare(axes: "Axes") -> None:
    """Remove ticks and labels of axes, and draw a thin frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set(color=LINE, linewidth=0.6)


def caption(axes: "Axes", text: str) -> None:
    """Write a small title above the axes, at the left."""
    axes.set_title(text, loc="left", fontsize=9, color=QUIET, pad=3)


def plain(axes: "Axes", across: str, title: str) -> None:
    """Style the axes of a curve: title, x label, light grid, no top or right frame."""
    axes.set_title(title, loc="left", fontsize=11, color=QUIET)
    axes.set_xlabel(across, color=QUIET)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=LINE, lw=0.6)
    axes.tick_params(colors=QUIET)


def grid(count: int, widest: int = 8) -> tuple[int, int]:
    """Return the rows and columns of a grid for a number of small pictures.

    Example:
        >>> grid(6), grid(32), grid(20)
        ((1, 6), (4, 8), (3, 7))
    """
    rows = -(-count // widest)
    return rows, -(-count // rows)
