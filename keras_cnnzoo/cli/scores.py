"""Show scores: with an accuracy, others without which a high one would mislead."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_cnnzoo.training.evaluation import Scores

#: With more than `ALL` classes, only the `WEAKEST` with the lowest accuracy are listed.
ALL, WEAKEST = 6, 3


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


def print_classes(scores: "Scores", display_names: Sequence[str]) -> None:
    """Print a table of the scores of each class, and their averages."""
    from rich.console import Console
    from rich.table import Table

    from keras_cnnzoo.training.class_table import HEADINGS, average_rows, class_rows

    table = Table(box=None, pad_edge=False)
    for place, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if place else "left", overflow="fold")
    for row in class_rows(scores, display_names):
        table.add_row(*row)
    for row in average_rows(scores):
        table.add_row(*row, style="dim")
    Console(markup=False, highlight=False).print(table)


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
