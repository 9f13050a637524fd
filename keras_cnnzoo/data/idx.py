"""Read folders of idx files, the format of MNIST and similar data sets."""

import gzip
import math
import re
import zlib
from io import BufferedReader
from pathlib import Path

import numpy as np

from keras_cnnzoo.data.bounds import check_unpacked
from keras_cnnzoo.data.checks import as_examples, numbered
from keras_cnnzoo.data.examples import Source

FILE = re.compile(r"(?P<split>.+?)[-.](?P<what>images|labels)[-.]idx\d.*?(\.gz)?$")
SPLITS = {"t10k": "test"}
UNSIGNED_BYTE = 0x08
GZIP = b"\x1f\x8b"
#: The highest compression ratio of gzip.
MOST_PER_BYTE = 1032


def is_idx_folder(folder: Path) -> bool:
    """Tell whether a folder holds idx files, by their names."""
    return any(FILE.match(file.name) for file in folder.iterdir() if file.is_file())


def from_idx_folder(folder: Path) -> Source:
    """Read every pair of idx files, such as `train-images-idx3-ubyte.gz`.

    Raises:
        ValueError: A file is damaged, or its images or labels are missing.
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
        ValueError: The file is not an idx file, has another rank, or is not complete.
    """
    start = 4 + 4 * rank
    try:
        with _opened(path) as file:
            head = file.read(start)
            if head[:4] != bytes([0, 0, UNSIGNED_BYTE, rank]):
                raise ValueError(
                    f"{path} is no idx file of unsigned bytes in {rank} dimensions: it "
                    f"begins with {head[:4].hex(' ') or 'nothing'}, not "
                    f"{bytes([0, 0, UNSIGNED_BYTE, rank]).hex(' ')}."
                )
            shape = tuple(np.frombuffer(head[4:], ">u4").tolist())
            declared = math.prod(shape)
            size = path.stat().st_size
            check_unpacked(str(path), declared, size)
            content = file.read(min(declared, MOST_PER_BYTE * size) + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if len(shape) != rank or len(content) != declared:
        more = "or more " if len(content) > declared else ""
        raise ValueError(
            f"{path} is not complete: its header says {shape}, and {len(content):,} "
            f"{more}bytes follow."
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def _opened(path: Path) -> gzip.GzipFile | BufferedReader:
    with open(path, "rb") as file:
        packed = file.read(2) == GZIP
    return gzip.open(path) if packed else open(path, "rb")
