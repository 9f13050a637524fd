"""Folders of idx files, the form in which MNIST and its kin are distributed."""

import gzip
import math
import re
import zlib
from pathlib import Path

import numpy as np

from keras_cnnzoo.data.checks import as_examples, numbered
from keras_cnnzoo.data.examples import Source

FILE = re.compile(r"(?P<split>.+?)[-.](?P<what>images|labels)[-.]idx\d.*?(\.gz)?$")
SPLITS = {"t10k": "test"}
UNSIGNED_BYTE = 0x08


def is_idx_folder(folder: Path) -> bool:
    """Tell whether a folder holds idx files, by their names."""
    return any(FILE.match(file.name) for file in folder.iterdir() if file.is_file())


def from_idx_folder(folder: Path) -> Source:
    """Read every pair of idx files, such as `train-images-idx3-ubyte.gz`.

    Raises:
        ValueError: A file is damaged, or images lack labels.
    """
    files: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.iterdir()):
        if match := FILE.match(file.name):
            split = SPLITS.get(match["split"], match["split"])
            files.setdefault(split, {}).setdefault(match["what"], file)
    for pair in files.values():
        if missing := {"images", "labels"} - pair.keys():
            raise ValueError(
                f"{folder} has no file of {missing.pop()} beside "
                f"{next(iter(pair.values())).name}."
            )
    sets = {
        split: as_examples(
            read_idx(pair["images"], 3),
            read_idx(pair["labels"], 1),
            f"{folder}, {split}",
        )
        for split, pair in files.items()
    }
    return Source(
        name=folder.name,
        sets=dict(sets),
        class_names=numbered(*(examples.labels for examples in sets.values())),
    )


def read_idx(path: Path, rank: int) -> np.ndarray:
    """Read an idx file of unsigned bytes, plain or gzipped.

    The file begins with two zero bytes, the type, the number of dimensions, and each
    dimension as a big-endian 32-bit number.

    Raises:
        ValueError: The file is not idx, not of this rank, or not complete.
    """
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is damaged: {error}") from error
    if content[:4] != bytes([0, 0, UNSIGNED_BYTE, rank]):
        raise ValueError(
            f"{path} is no idx file of unsigned bytes in {rank} dimensions: it begins "
            f"with {content[:4].hex(' ') or 'nothing'}, not "
            f"{bytes([0, 0, UNSIGNED_BYTE, rank]).hex(' ')}."
        )
    start = 4 + 4 * rank
    shape = tuple(np.frombuffer(content[4:start], ">u4").tolist())
    if len(shape) != rank or len(content) - start != math.prod(shape):
        raise ValueError(
            f"{path} is not complete: its header says {shape}, and "
            f"{len(content) - start:,} bytes follow."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
