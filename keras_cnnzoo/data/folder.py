"""Read folders with one folder of images per class, optionally within each split."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from keras_cnnzoo.data.decode import Header
from keras_cnnzoo.data.examples import EncodedExamples, Examples, Skipped, Source
from keras_cnnzoo.data.scanning import common_shape, median_side, scan, warn_of
from keras_cnnzoo.data.splits import ALIASES, STANDARD
from keras_cnnzoo.data.targets import check_classes

#: Readable files, each with the number of its class and its header.
Found = list[tuple[str, int, Header]]


def from_folder(folder: Path) -> Source:
    """Find the images below a folder and read their headers.

    Every file of a class folder and of its subfolders is tried, whatever its
    extension, except hidden files and folders. Files that are not images, are cut off
    or are too large are left out and listed in `skipped`, as are classes without a
    readable image.

    Raises:
        ValueError: There are no class folders, or no image can be read.
    """
    homes = _split_homes(folder)
    names = sorted({entry.name for home in homes.values() for entry in _folders(home)})
    if not names:
        files = sum(len(files) for _, _, files in os.walk(folder))
        raise ValueError(
            f"{folder} has no folder for each class, such as {folder / 'cat'}; it "
            f"holds {files} files. Put the images of each class in a folder of its own."
        )
    found: dict[str, Found] = {}
    skipped: list[Skipped] = []
    for split, home in homes.items():
        found[split] = list(_scan(home, names, skipped))
    filled = {number for files in found.values() for _, number, _ in files}
    if not filled:
        reasons = "; ".join(f"{path}: {why}" for path, why in skipped[:3])
        raise ValueError(
            f"{folder} holds no image that can be read. "
            f"{reasons or 'Its class folders are empty.'}"
        )
    skipped += [
        Skipped(str(folder / name), "a class without an image that can be read")
        for number, name in enumerate(names)
        if number not in filled
    ]
    class_names = tuple(names[number] for number in sorted(filled))
    sets = _examples(found, sorted(filled))
    labels = {split: examples.labels for split, examples in sets.items()}
    check_classes(str(folder), labels, class_names)
    warn_of(folder, skipped)
    return Source(
        name=folder.resolve().name,
        sets=sets,
        class_names=class_names,
        skipped=tuple(skipped),
        side=median_side([h for files in found.values() for *_, h in files]),
    )


def _folders(folder: Path) -> list[Path]:
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith(".")
    )


def _split_homes(folder: Path) -> dict[str, Path]:
    """Return the folder of each split; a folder of class folders is a training set."""
    homes = {ALIASES.get(e.name.lower(), e.name.lower()): e for e in _folders(folder)}
    if homes and homes.keys() <= set(STANDARD) and all(map(_folders, homes.values())):
        return homes
    return {"train": folder}


def _scan(
    home: Path, names: list[str], skipped: list[Skipped]
) -> Iterator[tuple[str, int, Header]]:
    """Yield the readable files of a split, and add the others to `skipped`."""
    paths = [
        (os.path.join(where, file), number)
        for number, name in enumerate(names)
        for where, _, files in _walk(home / name)
        for file in sorted(files)
        if not file.startswith(".")
    ]
    results = scan(lambda number: paths[number][0], len(paths))
    for (path, number), result in zip(paths, results, strict=True):
        if isinstance(result, Header):
            yield path, number, result
        else:
            skipped.append(Skipped(path, result))


def _walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield where, folders, files


def _examples(found: dict[str, Found], filled: list[int]) -> dict[str, Examples]:
    """Make the examples of each split, with labels that skip the empty classes."""
    shape = common_shape([h for files in found.values() for *_, h in files])
    sets: dict[str, Examples] = {}
    for split, files in found.items():
        if not files:
            continue
        paths = [path for path, _, _ in files]
        numbers = [number for _, number, _ in files]
        sets[split] = EncodedExamples(
            fetch=paths.__getitem__,
            labels=np.searchsorted(filled, numbers).astype(np.int32),
            numbers=np.arange(len(paths)),
            describe=paths.__getitem__,
            shape=shape,
        )
    return sets
