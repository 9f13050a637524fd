"""Draw learning curves and the confusion matrix to files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_cnnzoo.files import replacing
from keras_cnnzoo.inspect.figures import plot_confusion, plot_history

if TYPE_CHECKING:
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
    _write(plot_history(columns, best_epoch=best_epoch, title=title), path)


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
    _write(plot_confusion(confusion, class_names, title=title), path)


def _write(figure: "Figure", path: Path) -> None:
    with replacing(path) as partial:
        figure.savefig(partial, dpi=150, facecolor="white")
