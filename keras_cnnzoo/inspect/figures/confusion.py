"""Draw the confusion matrix of a classifier."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_cnnzoo.inspect.figures.style import BLUE, FAINT, INK, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: With more classes than this, numbers or names in the figure would be too small.
MAX_NUMBERED, MAX_NAMED = 20, 50


def plot_confusion(
    confusion: Any,
    class_names: Sequence[str] | None = None,
    *,
    predicted: Any = None,
    title: str | None = None,
) -> "Figure":
    """Draw a confusion matrix: rows are the true classes, columns the predicted ones.

    The colour shows a cell's share of its row, so that rare classes are visible too:
    blue for correct predictions, orange for errors. The column at the right shows the
    recall of each class.

    Args:
        confusion: Counts, `(classes, classes)`; or, with `predicted`, the true class of
            each image.
        class_names: A name for each class; None numbers them.
        predicted: The predicted class of each image, or its row of probabilities.
        title: Title of the figure, such as the names of the model and the data set.

    Raises:
        ValueError: The counts are not square, or the numbers of classes and names, or
            of true and predicted classes, differ.

    Example:
        >>> figure = plot_confusion([0, 1, 1], ["cat", "dog"], predicted=[0, 1, 0])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['1', '1', '1']
    """
    counts = count_confusion(confusion, predicted)
    classes = len(counts)
    names = [str(i) for i in range(classes)] if class_names is None else class_names
    if len(names) != classes:
        raise ValueError(f"There are {classes} classes and {len(names)} names.")
    side = float(np.clip(0.45 * classes, 4.5, 16))
    figure = new_figure(side + 1.5, side + 1, title)
    axes = figure.subplots()
    totals = counts.sum(axis=1)
    shares = counts / np.maximum(1, totals[:, None])
    right = np.eye(classes, dtype=bool)
    # The square root makes rare errors visible against the white background.
    errors = np.sqrt(np.ma.masked_array(shares, right | (counts == 0)))
    axes.imshow(np.ma.masked_array(shares, ~right), cmap="Blues", vmin=0, vmax=1.2)
    axes.imshow(errors, cmap="Oranges", vmin=-0.1, vmax=1.2)
    axes.set_facecolor(FAINT)
    plain(axes, "predicted", "true class")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    if classes <= MAX_NAMED:
        axes.set_xticks(range(classes), names)
        if max(map(len, names)) > 3:
            axes.tick_params(axis="x", rotation=90)
        axes.set_yticks(range(classes), names)
        shown = axes.secondary_yaxis("right")
        recalls = zip(shares.diagonal(), totals, strict=True)
        shown.set_yticks(range(classes), [f"{r:.1%}" if n else "–" for r, n in recalls])
        shown.tick_params(length=0, colors=BLUE)
        shown.spines[:].set_visible(False)
        axes.set_title("right", loc="right", fontsize=11, color=BLUE)
    if classes <= MAX_NUMBERED:
        for (i, j), count in np.ndenumerate(counts):
            if count:
                color = "white" if shares[i, j] > 0.5 else INK
                axes.text(j, i, f"{count:,}", ha="center", va="center", color=color)
    return figure


def count_confusion(truth: Any, predicted: Any = None) -> np.ndarray:
    """Return a confusion matrix `(true, predicted)`, counting it if necessary."""
    truth = np.asarray(truth)
    if predicted is None:
        if truth.ndim != 2 or truth.shape[0] != truth.shape[1]:
            raise ValueError(
                "A confusion matrix has a row and a column for each class. Received "
                f"an array of shape {truth.shape}; pass true classes with `predicted`."
            )
        return truth
    predicted = np.asarray(predicted)
    classes = predicted.shape[1] if predicted.ndim == 2 else 0
    if predicted.ndim == 2:
        predicted = predicted.argmax(axis=1)
    truth = truth.ravel()
    if len(truth) != len(predicted):
        raise ValueError(
            f"There are {len(truth)} true classes and {len(predicted)} predictions."
        )
    classes = max(classes, int(max(truth.max(), predicted.max())) + 1)
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (truth.astype(int), predicted.astype(int)), 1)
    return counts
