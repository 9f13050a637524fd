"""Read the images that are passed to a command: files, or folders of files."""

import os
import warnings
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from keras_cnnzoo.data.adapt import Adapter
from keras_cnnzoo.training.folder import read_images

#: The most images in memory at a time.
BATCH = 64

Named = tuple[str, np.ndarray]


def batches(paths: Sequence[str], adapter: Adapter) -> Iterator[list[Named]]:
    """Read images in batches, preprocessed to the model's input size.

    In a folder, all images are read in the order of their names, including those in
    subfolders. Files that cannot be read as images are skipped with a warning.

    Args:
        paths: Files and folders.
        adapter: Brings each image to the model's size and channels.

    Yields:
        A batch: pairs of a path and its image.

    Raises:
        ValueError: A named file is missing or not an image, or a folder has no images.
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
