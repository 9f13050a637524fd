"""What stands beside an accuracy, so that it is not taken for more than it is."""

from collections.abc import Mapping, Sequence
from typing import Any

#: Of more classes, those are named that are recognised least.
ALL, WEAKEST = 6, 3


def beside_accuracy(
    scores: Mapping[str, Any], class_names: Sequence[str], display_names: Sequence[str]
) -> str:
    """Say the balanced accuracy, that of the majority, and that of single classes.

    Args:
        scores: `balanced_accuracy`, `majority`, and `per_class` by `class_names`.
        class_names: Classes as the data call them.
        display_names: Names to show, in the same order.
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
