"""Pictures of a training: how it went, and what is taken for what."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from keras_cnnzoo.files import replacing

TRAIN, VALIDATION, QUIET = "#9aa5b1", "#1f6feb", "#57606a"
#: Above these, the numbers or the names of a confusion matrix can no longer be read.
MAX_NUMBERED, MAX_NAMED = 20, 50


def draw_curves(
    rows: Sequence[Mapping[str, float]], best_epoch: int | None, title: str, path: Path
) -> None:
    """Draw loss and accuracy by epoch.

    Args:
        rows: The history, a mapping with `epoch`, `loss`, `accuracy` and the
            latter two of the validation for each epoch.
        best_epoch: The epoch to mark, from 1.
        title: What was trained on what.
        path: The `.png` file to write.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    figure.suptitle(title, fontsize=13, x=0.01, ha="left")
    left, right = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in rows]
    for axes, what in ((left, "loss"), (right, "accuracy")):
        marker = "o" if len(rows) == 1 else None
        train = [row[what] for row in rows]
        held = [row[f"val_{what}"] for row in rows]
        axes.plot(epochs, train, color=TRAIN, lw=2, marker=marker, label="training")
        axes.plot(
            epochs, held, color=VALIDATION, lw=2, marker=marker, label="validation"
        )
        _plain(axes, "epoch", what.capitalize())
        axes.set_xlim(0.5, len(rows) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if best_epoch is not None:
            best = held[best_epoch - 1]
            axes.plot(best_epoch, best, "o", color=VALIDATION, ms=8, clip_on=False)
            text = f"{best:.2%}" if what == "accuracy" else f"{best:.3g}"
            axes.set_title(
                f"kept: epoch {best_epoch}, {text}",
                loc="right",
                fontsize=11,
                color=VALIDATION,
            )
    losses = [row[name] for row in rows for name in ("loss", "val_loss")]
    if losses and max(losses) > 10 * min(losses) > 0:
        left.set_yscale("log")
    right.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    right.set_ylim(top=1.005)
    left.legend(frameon=False)
    _write(figure, path)


def draw_confusion(
    confusion: np.ndarray, class_names: Sequence[str], title: str, path: Path
) -> None:
    """Draw how often each class is taken for each: rows are the truth.

    The colour is the share of the row, so that rare classes are seen as well: blue
    what is right, orange what is wrong.

    Args:
        confusion: Counts, `(classes, classes)`.
        class_names: A name for each row.
        title: What was evaluated on what.
        path: The `.png` file to write.
    """
    classes = len(confusion)
    side = float(np.clip(0.45 * classes, 4.5, 16))
    figure = Figure(figsize=(side + 1.5, side + 1), layout="constrained")
    figure.suptitle(title, fontsize=13, x=0.01, ha="left")
    axes = figure.subplots()
    counts = confusion.sum(axis=1)
    shares = confusion / np.maximum(1, counts[:, None])
    right = np.eye(classes, dtype=bool)
    # Rare errors are what one looks for: the square root lifts them out of the white.
    errors = np.sqrt(np.ma.masked_array(shares, right | (confusion == 0)))
    axes.imshow(np.ma.masked_array(shares, ~right), cmap="Blues", vmin=0, vmax=1.2)
    axes.imshow(errors, cmap="Oranges", vmin=-0.1, vmax=1.2)
    axes.set_facecolor("#f6f8fa")
    _plain(axes, "predicted", "true class")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    if classes <= MAX_NAMED:
        long = max(map(len, class_names)) > 3
        axes.set_xticks(range(classes), class_names)
        if long:
            axes.tick_params(axis="x", rotation=90)
        axes.set_yticks(range(classes), class_names)
        shown = axes.secondary_yaxis("right")
        recalls = zip(shares.diagonal(), counts, strict=True)
        shown.set_yticks(range(classes), [f"{r:.1%}" if n else "–" for r, n in recalls])
        shown.tick_params(length=0, colors=VALIDATION)
        shown.spines[:].set_visible(False)
        axes.set_title("right", loc="right", fontsize=11, color=VALIDATION)
    if classes <= MAX_NUMBERED:
        for (i, j), count in np.ndenumerate(confusion):
            if count:
                color = "white" if shares[i, j] > 0.5 else "#24292f"
                axes.text(j, i, f"{count:,}", ha="center", va="center", color=color)
    _write(figure, path)


def _plain(axes: Axes, across: str, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, color=QUIET)
    axes.set_xlabel(across, color=QUIET)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#d0d7de", lw=0.6)
    axes.tick_params(colors=QUIET)


def _write(figure: Figure, path: Path) -> None:
    # The canvas of Agg draws without a screen and leaves pyplot's state alone.
    FigureCanvasAgg(figure)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=150, facecolor="white")
