"""The scores of each class as a table of texts."""

from collections.abc import Mapping, Sequence

from keras_cnnzoo.training.evaluation import Scores

#: The columns: score, heading and format.
COLUMNS = (
    ("support", "images", "{:,}"),
    ("precision", "precision", "{:.2%}"),
    ("recall", "recall", "{:.2%}"),
    ("f1", "F1", "{:.2%}"),
    ("auc", "AUC", "{:.4f}"),
    ("average_precision", "average precision", "{:.4f}"),
)
HEADINGS = ("class", *(heading for _, heading, _ in COLUMNS))


def class_rows(scores: Scores, class_names: Sequence[str]) -> list[list[str]]:
    """Return a row for each class that has images or was predicted.

    Args:
        scores: The scores.
        class_names: A name for each class of the model.

    Returns:
        Rows with a cell for each of `HEADINGS`; a score that does not exist is empty.
    """
    return [[class_names[i], *_cells(scores.of_class(i))] for i in scores.classes.seen]


def average_rows(scores: Scores) -> list[list[str]]:
    """Return the rows of the averages over the classes."""
    areas = {"auc": scores.auc, "average_precision": scores.average_precision}
    return [
        [f"{kind} average", *_cells(averages | (areas if kind == "macro" else {}))]
        for kind, averages in scores.classes.averages().items()
    ]


def _cells(row: Mapping[str, float | None]) -> list[str]:
    found = ((row.get(name), form) for name, _, form in COLUMNS)
    return ["" if value is None else form.format(value) for value, form in found]
