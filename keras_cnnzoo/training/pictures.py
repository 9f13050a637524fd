"""Draw what came out of a training: figures, and files of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_cnnzoo.files import replacing
from keras_cnnzoo.inspect.figures import plot_confusion, plot_history
from keras_cnnzoo.inspect.figures.style import (
    BLUE,
    GREY,
    ORANGE,
    QUIET,
    new_figure,
    plain,
)
from keras_cnnzoo.training.comparison import Comparison
from keras_cnnzoo.training.evaluation import Scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")


def draw_curves(
    rows: Sequence[Mapping[str, float]], best_epoch: int | None, title: str, path: Path
) -> None:
    """Draw loss and accuracy by epoch.

    Args:
        rows: The history, for each epoch a mapping with `loss`, `accuracy`, `val_loss`
            and `val_accuracy`.
        best_epoch: The epoch to mark, counted from 1.
        title: The model and the data, for the title.
        path: The `.png` file to write.
    """
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    write_figure(plot_history(columns, best_epoch=best_epoch, title=title), path)


def draw_confusion(
    confusion: np.ndarray, class_names: Sequence[str], title: str, path: Path
) -> None:
    """Draw the confusion matrix: rows are the true classes, columns the predicted.

    Args:
        confusion: Counts, `(classes, classes)`.
        class_names: A name for each row.
        title: The model and the data, for the title.
        path: The `.png` file to write.
    """
    write_figure(plot_confusion(confusion, class_names, title=title), path)


def plot_calibration(scores: Scores, *, title: str | None = None) -> "Figure":
    """Draw the reliability diagram: the accuracy of predictions by their confidence.

    A bar that ends below the mark of its mean confidence means that the model is too
    confident. The lower axes show how many images each bin has.

    Args:
        scores: The scores of a classifier, as `evaluate` returns them.
        title: Title of the figure, such as the names of the model and the data set.

    Raises:
        ValueError: The model's outputs are no probabilities.

    Source:
        Guo et al., On Calibration of Modern Neural Networks, 2017, figure 1,
        https://arxiv.org/abs/1706.04599.

    Example:
        >>> sure = Scores(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]))
        >>> plot_calibration(sure).axes[0].get_title("right")
        'calibration error 45.0 %'
    """
    found = scores.calibration
    if found is None:
        raise ValueError("The outputs of the model are no probabilities from 0 to 1.")
    bins = len(found.count)
    width = 1 / bins
    middle = (np.arange(bins) + 0.5) * width
    figure = new_figure(5, 5.5, title)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    there = found.count > 0
    upper.bar(middle[there], found.accuracy[there], 0.92 * width, color=BLUE)
    half = 0.46 * width
    upper.hlines(
        *(found.confidence[there], middle[there] - half, middle[there] + half),
        colors=ORANGE,
        lw=2.5,
        label="mean confidence",
    )
    upper.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--")
    plain(upper, "", "Accuracy")
    _title_right(upper, f"calibration error {100 * found.error:.1f} %")
    _shares(upper, x=False)
    upper.legend(frameon=False, loc="upper left")
    lower.bar(middle, found.count, 0.92 * width, color=GREY)
    plain(lower, "confidence: probability of the predicted class", "Images")
    _shares(lower, y=False)
    lower.set_xlim(0, 1)
    return figure


#: With more classes than this, their curves could not be told apart by colour.
MAX_NAMED_CURVES = 10


def plot_roc(
    scores: Scores, class_names: Sequence[str], *, title: str | None = None
) -> "Figure":
    """Draw the ROC curve of each class against all others; of two, of the second.

    Args:
        scores: The scores of a classifier, as `evaluate` returns them.
        class_names: A name for each class. With more than ten, the legend names the
            ten with the smallest areas.
        title: Title of the figure, such as the names of the model and the data set.

    Raises:
        ValueError: Only one class has images, or a probability is NaN.

    Example:
        >>> right = Scores(np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]))
        >>> plot_roc(right, ["cat", "dog"]).axes[0].lines[0].get_label()
        'dog 1.0000'
    """
    curves = scores.curves
    if not curves:
        raise ValueError("A ROC curve needs two classes of images, and numbers.")
    weakest = sorted(curves, key=lambda index: curves[index].area)
    figure = new_figure(5.5, 5, title)
    axes = figure.subplots()
    for index in weakest[:MAX_NAMED_CURVES]:
        curve = curves[index]
        label = f"{class_names[index]} {curve.area:.4f}"
        axes.plot(1 - curve.specificity, curve.sensitivity, lw=1.5, label=label)
    for index in weakest[MAX_NAMED_CURVES:]:
        curve = curves[index]
        axes.plot(1 - curve.specificity, curve.sensitivity, lw=0.5, color=GREY)
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--")
    plain(axes, "false positive rate (1 - specificity)", "Sensitivity")
    _title_right(axes, f"area {np.mean([c.area for c in curves.values()]):.4f}")
    _shares(axes)
    axes.legend(frameon=False, loc="lower right", labelcolor=QUIET, fontsize=9)
    return figure


def plot_runs(runs: Comparison, *, title: str | None = None) -> "Figure":
    """Draw the validation accuracies of runs by epoch, with the best epoch of each.

    Args:
        runs: The runs, as `compare_runs` returns them. Those without an epoch are left
            out.
        title: Title of the figure.
    """
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    figure = new_figure(7, 4.5, title)
    axes = figure.subplots()
    for run in runs:
        if not run.history:
            continue
        epochs = [row["epoch"] for row in run.history]
        accuracies = [row["val_accuracy"] for row in run.history]
        marker = "o" if len(epochs) == 1 else None
        (line,) = axes.plot(
            *(epochs, accuracies), lw=1.5, marker=marker, label=Path(run.folder).name
        )
        if run.best_epoch is not None and run.validation_accuracy is not None:
            best = run.best_epoch, run.validation_accuracy
            axes.plot(*best, "o", color=line.get_color(), ms=6, clip_on=False)
    plain(axes, "epoch", "Validation accuracy")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.set_ylim(top=1.005)
    axes.legend(frameon=False, loc="lower right", labelcolor=QUIET, fontsize=9)
    return figure


def _title_right(axes: "Axes", text: str) -> None:
    """Write the number that sums a figure up above its axes, at the right."""
    axes.set_title(text, loc="right", fontsize=11, color=BLUE)


def _shares(axes: "Axes", *, x: bool = True, y: bool = True) -> None:
    """Let axes begin at 0, end at 1 and be labelled in percent."""
    from matplotlib.ticker import PercentFormatter

    if x:
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    if y:
        axes.set_ylim(0, 1.005)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))


def write_figure(figure: "Figure", path: Path) -> None:
    """Write a figure to a `.png` file, completely or not at all."""
    with replacing(path) as partial:
        figure.savefig(partial, dpi=150, facecolor="white")
