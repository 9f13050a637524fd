"""Data sets from arrays, and from `.npz` files of arrays."""

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_cnnzoo.data.bounds import check_unpacked
from keras_cnnzoo.data.checks import as_examples, numbered
from keras_cnnzoo.data.examples import Source
from keras_cnnzoo.npy_header import npy_header


def from_arrays(data: Any, kind: str = "class") -> Source:
    """Make a source from `(images, labels)`, or from a mapping of splits to such pairs.

    Raises:
        TypeError: It is neither.
        ValueError: The arrays are not images with labels.
    """
    pairs = data if isinstance(data, Mapping) else {"train": data}
    for split, pair in pairs.items():
        if not (isinstance(split, str) and _is_pair(pair)):
            raise TypeError(
                "Arrays are given as (images, labels), or as a dict such as "
                "{'train': (images, labels), 'test': (images, labels)}. Received "
                f"{type(pair).__name__} for {split!r}."
            )
    return _source(
        "arrays", {split: tuple(pair) for split, pair in pairs.items()}, kind
    )


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, tuple | list) and len(pair) == 2


def from_npz(path: Path, kind: str = "class") -> Source:
    """Read a file of arrays `x_<split>` and `y_<split>`, without unpickling objects.

    Raises:
        ValueError: The file is damaged, or holds no such pair.
    """
    try:
        _check_size(path)
        with np.load(path, allow_pickle=False) as file:
            splits = [name[2:] for name in file.files if name.startswith("x_")]
            paired = [split for split in splits if f"y_{split}" in file.files]
            pairs = {
                split: (file[f"x_{split}"], file[f"y_{split}"]) for split in paired
            }
            names = ", ".join(file.files)
    except Exception as error:  # zipfile, zlib and NumPy raise various exceptions
        raise ValueError(
            f"{path} cannot be read as an .npz file of plain arrays: {error}"
        ) from error
    if not pairs:
        raise ValueError(
            f"{path} holds no pair of images x_<split> and labels y_<split>, such as "
            f"x_train and y_train. It holds: {names or 'nothing'}."
        )
    return _source(path.stem, pairs, kind)


def _check_size(path: Path) -> None:
    """Check the declared sizes of a file's arrays, before any of them is read.

    Raises:
        ValueError: The sizes contradict each other, or suggest a decompression bomb.
    """
    with zipfile.ZipFile(path) as file:
        members = file.infolist()
        check_unpacked(
            str(path), sum(m.file_size for m in members), path.stat().st_size
        )
        for member in members:
            if not member.filename.endswith(".npy"):  # a text, which nothing reads
                continue
            with file.open(member) as array:
                header = npy_header(array)
                if header is None:
                    raise ValueError(f"{member.filename} is no array in NumPy's format")
                shape, dtype = header
                held = member.file_size - array.tell()
            if dtype.hasobject:
                continue  # NumPy refuses it later
            if math.prod(shape) * dtype.itemsize != held:
                raise ValueError(
                    f"{member.filename} is {shape} of {dtype} by its header, and holds "
                    f"{held:,} bytes"
                )


def _source(name: str, pairs: Mapping[str, tuple[Any, Any]], kind: str) -> Source:
    sets = {
        split: as_examples(*pair, f"{name}, {split}", kind)
        for split, pair in pairs.items()
    }
    if not sets:
        raise ValueError(f"{name}: there is no split at all.")
    labels = {split: examples.labels for split, examples in sets.items()}
    if len({rows.shape[1:] for rows in labels.values()}) > 1:
        raise ValueError(
            f"{name}: every split needs the same number of labels an image. Received "
            f"{', '.join(f'{split} {rows.shape}' for split, rows in labels.items())}."
        )
    return Source(
        name=name, sets=dict(sets), class_names=numbered(*labels.values()), kind=kind
    )
