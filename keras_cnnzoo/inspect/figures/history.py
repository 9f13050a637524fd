"""Learning curves: loss and metrics by epoch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keras_cnnzoo.inspect.figures.style import BLUE, GREY, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Columns of a history that are neither a loss nor a metric.
ASIDE = ("epoch", "learning_rate", "lr", "seconds")


def plot_history(
    history: Any,
    *,
    metrics: Sequence[str] | None = None,
    best_epoch: int | None = None,
    title: str | None = None,
) -> "Figure":
    """Draw loss and metrics by epoch, for training and validation.

    Args:
        history: The `History` that `model.fit` returns, its `.history`, or a sequence
            with one mapping from names to values per epoch.
        metrics: The columns to draw, in order. None draws the loss and all metrics,
            without the statistics of layers (`layer/statistic`).
        best_epoch: The epoch to mark, from 1.
        title: Title of the figure, such as the names of the model and the data set.

    Returns:
        The figure, with one axes for the loss and one per metric.

    Raises:
        ValueError: The history has no loss or metric to draw, or no such metric.

    Example:
        >>> figure = plot_history({"loss": [2.0, 1.0], "val_loss": [2.1, 1.5]})
        >>> [line.get_label() for line in figure.axes[0].lines]
        ['training', 'validation']
    """
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    columns = _columns(history)
    names = list(metrics or filter(_is_measure, columns))
    if not names or not set(names) <= set(columns):
        raise ValueError(
            f"The history has {list(columns)}, and what is drawn are a loss and "
            f"metrics by epoch. Received: metrics={metrics}"
        )
    count = len(columns[names[0]])
    epochs = columns.get("epoch", list(range(1, count + 1)))
    figure = new_figure(5 * len(names), 4, title)
    cells = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(cells, names, strict=True):
        marker = "o" if count == 1 else None
        lines = {"training": (name, GREY), "validation": (f"val_{name}", BLUE)}
        for label, (column, colour) in lines.items():
            if column in columns:
                values = columns[column]
                axes.plot(
                    epochs, values, color=colour, lw=2, marker=marker, label=label
                )
        plain(axes, "epoch", _title(name))
        axes.set_xlim(0.5, max(count, 1) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        share = "accuracy" in name
        if best_epoch is not None:
            best = columns.get(f"val_{name}", columns[name])[best_epoch - 1]
            axes.plot(best_epoch, best, "o", color=BLUE, ms=8, clip_on=False)
            text = f"{best:.2%}" if share else f"{best:.3g}"
            text = f"kept: epoch {best_epoch}, {text}"
            axes.set_title(text, loc="right", fontsize=11, color=BLUE)
        if share:
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
            axes.set_ylim(top=1.005)
        elif "loss" in name and _wide(
            [*columns[name], *columns.get(f"val_{name}", [])]
        ):
            axes.set_yscale("log")
    cells[0].legend(frameon=False)
    return figure


def _is_measure(name: str) -> bool:
    return name not in ASIDE and not name.startswith("val_") and "/" not in name


def _columns(history: Any) -> dict[str, list[float]]:
    """Return the columns of a history, which may be a `History`, columns or rows."""
    found = getattr(history, "history", history)
    if isinstance(found, Mapping):
        return {name: list(values) for name, values in found.items()}
    rows: Sequence[Mapping[str, float]] = list(found)
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _wide(values: list[float]) -> bool:
    return bool(values) and max(values) > 10 * min(values) > 0
