"""The classes of ImageNet: their WordNet ids, and their English names.

`imagenet_classes.csv` is written by `tests/references/make_imagenet_classes.py`. The
names are torchvision's (BSD-3-Clause, Copyright (c) Soumith Chintala 2016).
"""

import csv
import functools
from importlib import resources

#: What TensorFlow's networks of 1,001 classes have before the others.
BACKGROUND = "background"


@functools.cache
def _names() -> dict[str, str]:
    """Return the name of each id, in the order of all networks."""
    file = resources.files("keras_cnnzoo.data") / "imagenet_classes.csv"
    rows = csv.DictReader(file.read_text("ascii").splitlines())
    return {row["id"]: row["name"] for row in rows}


def imagenet_classes(count: int) -> tuple[str, ...] | None:
    """Return the WordNet ids of the ILSVRC-2012 classes, in the order of all networks.

    Args:
        count: Number of a network's classes: 1,000, or 1,001 with a background first.

    Returns:
        The ids, or None where the network has another number of classes.
    """
    ids = tuple(_names())
    return {len(ids): ids, len(ids) + 1: (BACKGROUND, *ids)}.get(count)


def english(class_id: str) -> str:
    """Return the name of a class such as "n02102040", and any other word as it is.

    Example:
        >>> english("n02102040"), english("cat")
        ('English springer', 'cat')
    """
    return _names().get(class_id, class_id)
