"""Read parquet files: of encoded images, as on the Hugging Face hub, or of paths."""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_cnnzoo.data.columns import Asked, Columns, choose, encode
from keras_cnnzoo.data.decode import Header
from keras_cnnzoo.data.examples import EncodedExamples, Examples, Skipped, Source
from keras_cnnzoo.data.records import Records, pyarrow
from keras_cnnzoo.data.scanning import common_shape, median_side, scan, warn_of
from keras_cnnzoo.data.table import from_rows
from keras_cnnzoo.data.targets import check_classes

#: The number of images whose headers are read where not all are kept in memory.
PROBED = 256
# As files are named on the hub: "train-00000-of-00004.parquet", "train/0000.parquet".
NAME = re.compile(r"(?P<split>.*?)(-\d+-of-\d+)?(-[0-9a-f]{16})?")
NUMBER = re.compile(r"\d+")


def parquet_files(path: Path) -> list[Path]:
    """Return the parquet files that a path is or holds; none if none.

    They lie in the folder itself, in its folder `data`, or in a folder per split.
    """
    if path.is_file():
        return [path] if path.suffix == ".parquet" else []
    for home in (path, path / "data"):
        if files := sorted(home.glob("*.parquet")):
            return files
    splits = [first.parent for first in path.glob("*/0000.parquet")]
    return sorted(file for split in splits for file in split.glob("*.parquet"))


def from_parquet(
    path: Path, columns: Asked | None = None, kind: str | None = None
) -> Source:
    """Open a parquet file or a folder of them.

    Args:
        path: A file of paths of images, as `keras_cnnzoo.data.table.from_csv` reads it;
            or a file or folder of encoded images, a struct with the field `bytes`, as
            on the Hugging Face hub, where a file's name begins with its split.
        columns: The columns of "image" and "label"; None takes those with usual names.
        kind: What the labels are; None recognises it.

    Raises:
        ImportError: pyarrow is not installed.
        ValueError: The files cannot be read, or hold no images with labels.
    """
    files = parquet_files(path)
    schemas = _schemas(path, files)
    names = schemas[0].names
    pictures = [field.name for field in schemas[0] if _holds_bytes(field.type)]
    if not pictures and len(files) == 1:
        rows = {name: _values(files, name) for name in names}
        return from_rows(path, rows, columns, kind)
    if not pictures:
        raise ValueError(
            f"{path} has no column of encoded images. It has {', '.join(names)}."
        )
    asked = {"image": pictures[0], **(columns or {})}
    if "split" in asked:
        raise ValueError(f"{path}: the splits of such files are in their names.")
    # The bytes of other pictures would be read in search of labels.
    spared = set(pictures) - {asked["image"]}
    names = [name for name in names if name not in spared]
    chosen = choose(names, lambda name: _values(files, name), asked, str(path))
    if chosen.image not in pictures:
        raise ValueError(
            f"{path}: column {chosen.image!r} holds no encoded images; "
            f"{', '.join(pictures)} does."
        )
    class_names = _class_names(schemas, path, chosen.labels[0])
    return _labelled(path, files, chosen, kind, class_names)


def _schemas(path: Path, files: Sequence[Path]) -> list[Any]:
    """Return what each file says of its columns, which must be the same."""
    pq = pyarrow("pyarrow.parquet")
    try:
        schemas = [pq.read_schema(file) for file in files]
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as parquet: {error}") from error
    for file, schema in zip(files, schemas, strict=True):
        if schema.names != schemas[0].names:
            raise ValueError(
                f"{files[0]} and {file} have different columns. Give the folder of one "
                "data set."
            )
    return schemas


def _values(files: Sequence[Path], column: str) -> list[Any]:
    pq = pyarrow("pyarrow.parquet")
    tables = (pq.ParquetFile(file).read([column]) for file in files)
    return [value for table in tables for value in table.column(0).to_pylist()]


def _labelled(
    path: Path,
    files: Sequence[Path],
    chosen: Columns,
    kind: str | None,
    class_names: Sequence[str] | None,
) -> Source:
    """Read the labels of every split that has some, and open its images."""
    splits: dict[str, list[Path]] = {}
    for file in files:
        splits.setdefault(_split_of(file), []).append(file)
    records: dict[str, Records] = {}
    joined: dict[str, list[Any]] = {name: [] for name in chosen.labels}
    skipped = []
    for split, some in splits.items():
        values = {name: _values(some, name) for name in chosen.labels}
        if not any(map(_any, values.values())):
            skipped.append(Skipped(f"{path}, {split}", "its images have no labels"))
            continue
        records[split] = Records(tuple(some), chosen.image)
        for name, column in values.items():
            joined[name] += column
    if not records:
        raise ValueError(f"{path} holds no images with labels.")
    targets, labels = encode(joined, kind, str(path), class_names=class_names)
    ends = np.cumsum([len(images) for images in records.values()])
    by_split = dict(zip(records, np.split(labels, ends[:-1]), strict=True))
    return _source(path, records, by_split, skipped, targets.kind, targets.names)


def _holds_bytes(kind: Any) -> bool:
    types = pyarrow("pyarrow").types
    if types.is_struct(kind):
        return any(field.name == "bytes" for field in kind)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _split_of(file: Path) -> str:
    """Return the split that a file's name or, if that is a number, its folder says."""
    matched = NAME.fullmatch(file.stem)
    name = matched["split"] if matched else file.stem
    return file.parent.name if NUMBER.fullmatch(name) else name or "train"


def _any(values: Sequence[Any]) -> bool:
    """Return whether there are labels: on the hub, -1 or nothing means that none is."""
    return any(value is not None and value != -1 for value in values)


def _class_names(schemas: Sequence[Any], path: Path, label: str) -> list[str] | None:
    """Return the names of classes that the files, or the README beside them, state."""
    from huggingface_hub.repocard import metadata_load

    for schema in schemas:
        stored = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = stored.get("info", {}).get("features", {})
        if label in features:
            return _names_in(features[label])
    folder = path.parent if path.is_file() else path
    for home in (folder, *folder.parents[:2]):
        if (home / "README.md").is_file():
            about = (metadata_load(home / "README.md") or {}).get("dataset_info", {})
            for info in about if isinstance(about, list) else [about]:
                for feature in info.get("features", []):
                    if feature.get("name") == label:
                        return _names_in(feature)
    return None


def _names_in(feature: Any) -> list[str] | None:
    """Return the names in the description of a column, in which they may lie deep."""
    if isinstance(feature, list):
        feature = dict(enumerate(feature))
    if not isinstance(feature, Mapping):
        return None
    names = feature.get("names")
    if isinstance(names, Mapping):
        return [str(names[key]) for key in sorted(names, key=int)]
    if isinstance(names, list):
        return [str(name) for name in names]
    return next(filter(None, map(_names_in, feature.values())), None)


def _row(path: Path, split: str, number: int) -> str:
    return f"{path}, {split}, row {number + 1}"


def _source(
    path: Path,
    records: Mapping[str, Records],
    labels: Mapping[str, np.ndarray],
    skipped: Sequence[Skipped],
    kind: str,
    names: tuple[str, ...],
) -> Source:
    """Look at the images, and make examples of those that can be read."""
    good: dict[str, list[int]] = {}
    broken: list[Skipped] = []
    headers: list[Header] = []
    whole = all(images.are_in_memory for images in records.values())
    for split, images in records.items():
        count = len(images) if whole else min(PROBED, len(images))
        results = scan(images, count)
        good[split] = [n for n, r in enumerate(results) if isinstance(r, Header)]
        good[split] += range(count, len(images))
        headers += [result for result in results if isinstance(result, Header)]
        broken += [
            Skipped(_row(path, split, n), result)
            for n, result in enumerate(results)
            if not isinstance(result, Header)
        ]
    if not headers:
        raise ValueError(f"{path} holds no image that can be read: {broken[0]}")
    height, width, channels = common_shape(headers)
    if not whole:
        height = width = None
    sets: dict[str, Examples] = {
        split: EncodedExamples(
            fetch=images,
            labels=labels[split][good[split]],
            numbers=np.asarray(good[split]),
            describe=functools.partial(_row, path, split),
            shape=(height, width, channels),
        )
        for split, images in records.items()
        if good[split]
    }
    if kind == "class":
        check_classes(str(path), {s: e.labels for s, e in sets.items()}, names)
    warn_of(path, broken)
    return Source(
        name=path.resolve().stem,
        sets=sets,
        class_names=names,
        skipped=(*skipped, *broken),
        side=median_side(headers),
        kind=kind,
    )
