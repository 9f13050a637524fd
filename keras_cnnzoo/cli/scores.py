"""Show scores: with an accuracy, others without which a high one would mislead."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_cnnzoo.training.evaluation import Scores

#: With more than `ALL` classes, only the `WEAKEST` with the lowest accuracy are listed.
ALL, WEAKEST = 6, 3

#: The columns of a table by class: score, heading and format.
COLUMNS = (
    ("support", "images", "{:,}"),
    ("precision", "precision", "{:.2%}"),
    ("recall", "recall", "{:.2%}"),
    ("f1", "F1", "{:.2%}"),
    ("auc", "AUC", "{:.4f}"),
    ("average_precision", "average precision", "{:.4f}"),
)


def score_lines(numbers: Mapping[str, Any], classes: int) -> list[str]:
    """Describe the scores of all classes together, one per line.

    Args:
        numbers: Scores by name, of which None is left out.
        classes: Number of classes of the model.
    """
    others = "" if classes == 2 else " of each class against the others"
    rows = (
        ("count", "images", "{:,}"),
        ("accuracy", "accuracy", "{:.2%}"),
        ("top5", "top-5", "{:.2%}"),
        ("loss", "loss", "{:.4f}"),
        ("macro_f1", "F1", "{:.2%}, mean of the classes"),
        ("auc", "AUC", "{:.4f}" + others),
        ("calibration_error", "calibration", "{:.2%} expected error"),
    )
    return [
        f"{heading:<11} {form.format(numbers[name])}"
        for name, heading, form in rows
        if numbers[name] is not None
    ]


def print_classes(
    scores: "Scores", class_names: Sequence[str], display_names: Sequence[str]
) -> None:
    """Print a table of the scores of each class, and their averages.

    Args:
        scores: The scores.
        class_names: The data's class names.
        display_names: Class names to show, in the same order.
    """
    from rich.console import Console
    from rich.table import Table

    shown = dict(zip(class_names, display_names, strict=True))
    table = Table(box=None, pad_edge=False)
    table.add_column("class", overflow="fold")
    for _, heading, _ in COLUMNS:
        table.add_column(heading, justify="right")
    rows = scores.by_class(class_names)
    for name, row in rows.items():
        table.add_row(shown[name], *_cells(row))
    numbers = scores.numbers()
    for kind, averages in scores.classes.averages().items():
        areas = {name: numbers[name] for name in ("auc", "average_precision")}
        table.add_row(
            f"{kind} average",
            *_cells(averages | (areas if kind == "macro" else {})),
            style="dim",
        )
    Console(markup=False, highlight=False).print(table)


def _cells(row: Mapping[str, float | None]) -> list[str]:
    found = ((row.get(name), form) for name, _, form in COLUMNS)
    return ["" if value is None else form.format(value) for value, form in found]


def beside_accuracy(
    scores: Mapping[str, Any], class_names: Sequence[str], display_names: Sequence[str]
) -> str:
    """Describe the balanced accuracy, the majority baseline and accuracies by class.

    Args:
        scores: `balanced_accuracy`, `majority`, and `per_class` by `class_names`.
        class_names: The data's class names.
        display_names: Class names to show, in the same order.
    """
    shown = dict(zip(class_names, display_names, strict=True))
    known = [(r, shown[c]) for c, r in scores["per_class"].items() if r is not None]
    if len(known) > ALL:
        known = sorted(known)[:WEAKEST]
    classes = ", ".join(f"{name} {right:.1%}" for right, name in known)
    which = "by class" if len(shown) <= ALL else "weakest"
    return (
        f"balanced accuracy {scores['balanced_accuracy']:.2%}; the most frequent class "
        f"alone {scores['majority']:.2%}; {which}: {classes}"
    )
