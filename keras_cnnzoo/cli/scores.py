"""Scores to report with an accuracy, so that a high one does not mislead."""

from collections.abc import Mapping, Sequence
from typing import Any

#: With more than `ALL` classes, only the `WEAKEST` with the lowest accuracy are listed.
ALL, WEAKEST = 6, 3


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
