"""The classes of ImageNet, by which folders of its photographs are named."""

import functools
from importlib import resources

#: What TensorFlow's networks of 1,001 classes have before the others.
BACKGROUND = "background"


@functools.cache
def imagenet_classes(count: int) -> tuple[str, ...] | None:
    """Return the WordNet ids of the ILSVRC-2012 classes, in the order of all networks.

    Args:
        count: Number of a network's classes: 1,000, or 1,001 with a background first.

    Returns:
        The names, or None where the network has another number of classes.
    """
    file = resources.files("keras_cnnzoo.data") / "imagenet_synsets.txt"
    names = tuple(file.read_text("ascii").split())
    return {1000: names, 1001: (BACKGROUND, *names)}.get(count)
