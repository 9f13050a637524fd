"""The classes of ImageNet: their WordNet ids and English names.

`imagenet_classes.csv` is written by `tests/references/make_imagenet_classes.py`. The
names are torchvision's (BSD-3-Clause, Copyright (c) Soumith Chintala 2016).
"""

import csv
import functools
from importlib import resources

#: The first class of TensorFlow's networks with 1,001 classes.
BACKGROUND = "background"


@functools.cache
def _names() -> dict[str, str]:
    """Return the name of each id, in the usual order of networks' outputs."""
    file = resources.files("keras_cnnzoo.data") / "imagenet_classes.csv"
    rows = csv.DictReader(file.read_text("ascii").splitlines())
    return {row["id"]: row["name"] for row in rows}


def imagenet_classes(count: int) -> tuple[str, ...] | None:
    """Return the WordNet ids of the ILSVRC-2012 classes, in the order of the outputs.

    Args:
        count: A network's number of classes: 1,000, or 1,001 with the background first.

    Returns:
        The ids, or None for another number of classes.
    """
    ids = tuple(_names())
    return {len(ids): ids, len(ids) + 1: (BACKGROUND, *ids)}.get(count)


def english(class_id: str) -> str:
    """Return the name of a class such as "n02102040"; other words are unchanged.

    Example:
        >>> english("n02102040"), english("cat")
        ('English springer', 'cat')
    """
    return _names().get(class_id, class_id)
