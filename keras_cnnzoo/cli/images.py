"""Images that a command is given: files, and folders of them."""

import os
import warnings
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from keras_cnnzoo.data.adapt import Adapter
from keras_cnnzoo.training.folder import read_images

#: Images that are in memory at the same time.
BATCH = 64

Named = tuple[str, np.ndarray]


def batches(paths: Sequence[str], adapter: Adapter) -> Iterator[list[Named]]:
    """Read images some at a time, as a model takes them.

    Of a folder all images are read, also of folders within it, in the order of their
    names. What in it is no image, or is damaged, is left out with a warning.

    Args:
        paths: Files and folders.
        adapter: What each image is brought to.

    Yields:
        Paths, each with its image.

    Raises:
        ValueError: A file that was named is missing or no image, or a folder has none.
    """
    images = (image for path in paths for image in _below(path, adapter))
    while batch := list(islice(images, BATCH)):
        yield batch


def _below(path: str, adapter: Adapter) -> Iterator[Named]:
    if not os.path.isdir(path):
        yield path, read_images([path], adapter)[0]
        return
    found, failed = 0, []
    for file in _files(path):
        try:
            image = read_images([file], adapter)[0]
        except ValueError as error:
            failed.append(str(error))
        else:
            found += 1
            yield file, image
    if not found:
        raise ValueError(f"{path} holds no image that can be read.")
    if failed:
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        warnings.warn(f"Left out of {path}: {failed[0]}{more}", stacklevel=2)


def _files(folder: str) -> Iterator[str]:
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield os.path.join(where, name)
