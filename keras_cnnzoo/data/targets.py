"""What a data set says about each of its images: a class, several, or numbers."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: What can be said of an image, and the type in which it is stored.
KINDS = {"class": np.int32, "classes": np.float32, "number": np.float32}


@dataclass(frozen=True)
class Targets:
    """What a model is to predict from the images of a data set.

    This is the one place that tells the tasks apart: sources say it once, `load` hands
    it on, and who splits, trains or scores asks here instead of guessing from the form
    of the labels. `Examples.labels` has a row for each image, whose order and number
    never depend on the kind:

    | `kind` | `labels` | `names` |
    | --- | --- | --- |
    | "class" | int32 `(n,)`, an index into `names` | of the classes |
    | "classes" | float32 `(n, k)`, 1 where a label applies, else 0 | of the labels |
    | "number" | float32 `(n, k)`, any finite numbers | of the numbers |

    Masks, boxes and points are further kinds, not yet stored. They belong to places in
    the image, so that each change of the image has to move them too: a batch will ask
    `keras_cnnzoo.data.geometry.Geometry` for that, one for each image, which says how
    the crop, the flip and the affine map of the augmentation lie upon each other.

    Args:
        kind: "class", "classes" or "number".
        names: What the outputs of a model stand for, in order.

    Raises:
        ValueError: There is no such kind.
    """

    kind: str = "class"
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(
                f"`targets` is one of {', '.join(KINDS)}. Received: {self.kind!r}"
            )

    @property
    def count(self) -> int:
        """The number of outputs that a model needs: as many as `names`."""
        return len(self.names)

    def __str__(self) -> str:
        if self.kind == "class":
            return f"{self.count} classes"
        what = "label" if self.kind == "classes" else "number"
        return f"{self.count} {what}{'s' * (self.count != 1)} each"

    def strata(self, labels: np.ndarray) -> np.ndarray:
        """Return a group for each image, for splits that keep the groups' proportions.

        A group is a class; the rarest of an image's several labels, or none; and with
        numbers, all images are one group.

        Args:
            labels: The labels of all images.

        Returns:
            Whole numbers `(n,)`.
        """
        if self.kind == "class":
            return labels
        if self.kind == "number":
            return np.zeros(len(labels), int)
        counts = np.where(labels > 0, labels.sum(axis=0), np.inf)
        return np.where(labels.any(axis=1), counts.argmin(axis=1), -1)


def alike(labels: np.ndarray, index: int) -> np.ndarray:
    """Return the images that can stand in for one image, the best first.

    They are those of its class, from the next one on; or, where labels are rows, all
    others by the distance of their rows.
    """
    if labels.ndim == 1:
        same = np.flatnonzero(labels == labels[index])
        return np.roll(same, -np.searchsorted(same, index))[1:]
    distances = np.abs(labels - labels[index]).sum(axis=1)
    distances[index] = -1
    return np.argsort(distances, kind="stable")[1:]


def as_labels(kind: str, values: Any, where: str) -> np.ndarray:
    """Check labels of a kind, and convert them to the type in which they are stored.

    Args:
        kind: "class", "classes" or "number".
        values: For "class" `(n,)` or `(n, 1)` whole numbers from 0; for "classes"
            `(n, k)` of 0 and 1; for "number" `(n,)` or `(n, k)`.
        where: What the labels belong to, in messages.

    Raises:
        ValueError: They are not labels of this kind.
    """
    try:
        labels = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{where}: rows of labels of different lengths.") from error
    if kind == "class":
        return _classes(labels, where)
    if labels.ndim == 1 and kind == "number":
        labels = labels[:, None]
    if labels.ndim != 2 or not labels.shape[1] or labels.dtype.kind not in "biuf":
        raise ValueError(
            f"{where}: expected a row of numbers for each image, shape (n, k). "
            f"Received shape {labels.shape} of {labels.dtype}."
        )
    if kind == "classes":
        right, expected = (labels == 0) | (labels == 1), "0 or 1 for each label"
    else:
        right, expected = np.isfinite(labels), "finite numbers"
    if not right.all():
        row, column = np.argwhere(~right)[0]
        raise ValueError(
            f"{where}: expected {expected}. Row {row}, column {column}, is "
            f"{labels[row, column]}, one of {(~right).sum()} that are not."
        )
    return labels.astype(np.float32)


def _classes(labels: np.ndarray, where: str) -> np.ndarray:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        hint = ""
        if labels.ndim == 2:
            hint = (
                " Take labels.argmax(-1) of one-hot rows; targets='classes' is for "
                "several labels an image, targets='number' for numbers."
            )
        raise ValueError(
            f"{where}: expected one whole number per image, shape (n,). Received "
            f"shape {labels.shape}.{hint}"
        )
    if labels.dtype.kind not in "iuf":
        raise ValueError(
            f"{where}: expected whole numbers as labels. Received dtype "
            f"{labels.dtype}; np.unique(labels, return_inverse=True) numbers names."
        )
    whole = np.isfinite(labels) & (labels == np.floor(labels)) & (labels >= 0)
    if not whole.all():
        first = int(np.flatnonzero(~whole)[0])
        raise ValueError(
            f"{where}: labels are whole numbers from 0. Label {first} is "
            f"{labels[first]}, one of {(~whole).sum()} that are not. "
            "targets='number' is for numbers to predict."
        )
    return labels.astype(np.int32)


def check_classes(
    where: str, labels: Mapping[str, np.ndarray], names: Sequence[str]
) -> None:
    """Check that the training images show every class of the other splits.

    It warns if there is a single class.

    Args:
        where: The data, in messages.
        labels: Class indices by split.
        names: Names of the classes.

    Raises:
        ValueError: A split has a class that "train" has not.
    """
    if len(names) == 1:
        warnings.warn(
            f"{where} has images of one class only, {names[0]!r}: there is nothing to "
            "tell apart.",
            stacklevel=6,
        )
    if "train" not in labels:
        return
    learnt = set(labels["train"].tolist())
    for split, indices in labels.items():
        if unknown := sorted(set(indices.tolist()) - learnt):
            raise ValueError(
                f"{where}: {split} has images of {names[unknown[0]]!r}, of which "
                "train has none that can be read."
            )
