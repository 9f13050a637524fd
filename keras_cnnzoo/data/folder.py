"""Read folders with one folder of images per class, optionally within each split."""

import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import UnidentifiedImageError

from keras_cnnzoo.data.decode import Header, inspect
from keras_cnnzoo.data.examples import EncodedExamples, Examples, Skipped, Source
from keras_cnnzoo.data.splits import ALIASES, STANDARD

SCANNING_THREADS = 8
# The most files that a warning names.
NAMED = 5

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
    _check_classes(folder, found, class_names, names)
    if skipped:
        _warn(folder, skipped)
    return Source(
        name=folder.resolve().name,
        sets=_examples(found, sorted(filled)),
        class_names=class_names,
        skipped=tuple(skipped),
        side=int(
            np.median([min(h[:2]) for files in found.values() for *_, h in files])
        ),
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
    # Pillow warns of files that are refused anyway, and of harmless damage in EXIF.
    with warnings.catch_warnings(), ThreadPoolExecutor(SCANNING_THREADS) as threads:
        warnings.simplefilter("ignore")
        results = threads.map(_header, (path for path, _ in paths))
        for (path, number), result in zip(paths, results, strict=True):
            if isinstance(result, Header):
                yield path, number, result
            else:
                skipped.append(Skipped(path, result))


def _walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield where, folders, files


def _header(path: str) -> Header | str:
    """Return the header of an image, or why it cannot be used."""
    try:
        if os.path.getsize(path) == 0:
            return "empty"
        return inspect(path)
    except UnidentifiedImageError:
        return "no image that Pillow can read"
    except Exception as error:  # Pillow raises various exceptions
        return str(error) or type(error).__name__


def _warn(folder: Path, skipped: list[Skipped]) -> None:
    count = len(skipped)
    some = "; ".join(f"{path} ({why})" for path, why in skipped[:NAMED])
    rest = f"; {count - NAMED} more are in `skipped`" if count > NAMED else ""
    warnings.warn(
        f"{folder}: left out {count} file{'s' * (count > 1)}: {some}{rest}.",
        stacklevel=5,
    )


def _check_classes(
    folder: Path,
    found: dict[str, Found],
    class_names: tuple[str, ...],
    names: list[str],
) -> None:
    if len(class_names) == 1:
        warnings.warn(
            f"{folder} has images of one class only, {class_names[0]!r}: there is "
            "nothing to tell apart.",
            stacklevel=5,
        )
    if "train" not in found:
        return
    learnt = {number for _, number, _ in found["train"]}
    for split, files in found.items():
        if unknown := sorted({number for _, number, _ in files} - learnt):
            raise ValueError(
                f"{folder}: {split} has images of {names[unknown[0]]!r}, of which "
                "train has none that can be read."
            )


def _examples(found: dict[str, Found], filled: list[int]) -> dict[str, Examples]:
    """Make the examples of each split, with labels that skip the empty classes."""
    headers = [header for files in found.values() for _, _, header in files]
    sizes = {header[:2] for header in headers}
    height, width = sizes.pop() if len(sizes) == 1 else (None, None)
    channels = 1 if all(header.grey for header in headers) else 3
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
            shape=(height, width, channels),
        )
    return sets
