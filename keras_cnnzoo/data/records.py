"""Encoded images in parquet files, read in any order."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from keras_cnnzoo.files import replacing

#: The most bytes of a split's encoded images that are kept in memory.
MAX_BYTES = 2 * 2**30
# Images that are copied at once.
BATCH = 256


def pyarrow(module: str) -> ModuleType:
    """Import a module of pyarrow.

    Raises:
        ImportError: It is not installed.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            "Parquet files are read with pyarrow, which is not installed: "
            "pip install 'keras-cnnzoo[parquet]'"
        ) from error


@dataclass(frozen=True)
class Records:
    """The encoded images in a column of parquet files.

    Parquet is read in groups of rows, often of hundreds of images, so that one image
    costs as much as all of its group. Up to `MAX_BYTES` are therefore kept in memory,
    encoded. More are copied once, group by group, into a file of Arrow's format beside
    the first one, which is mapped into memory and can be read in any order, as Hugging
    Face's `datasets` does.

    Args:
        files: The parquet files, all with the same columns.
        column: A column of bytes, or of structs with the field `bytes`.
    """

    files: tuple[Path, ...]
    column: str

    def __len__(self) -> int:
        return len(self._images)

    def __call__(self, number: int) -> bytes:
        """Return the encoded image with a number."""
        image = self._images[number].as_py()
        if image is None:
            raise ValueError("its bytes are not in the parquet file")
        return bytes(image)

    def __reduce__(self) -> Any:
        # The images stay where they are: another process reads them by itself.
        return type(self), (self.files, self.column)

    @cached_property
    def are_in_memory(self) -> bool:
        """Whether all images are kept in memory."""
        return self._bytes <= MAX_BYTES

    @cached_property
    def _bytes(self) -> int:
        pq = pyarrow("pyarrow.parquet")
        total = 0
        for file in self.files:
            meta = pq.read_metadata(file)
            for group in map(meta.row_group, range(meta.num_row_groups)):
                for place in range(group.num_columns):
                    column = group.column(place)
                    if column.path_in_schema in self._paths:
                        total += column.total_uncompressed_size
        return total

    @property
    def _paths(self) -> Sequence[str]:
        return self.column, f"{self.column}.bytes"

    @cached_property
    def _images(self) -> Any:
        pa, pq = pyarrow("pyarrow"), pyarrow("pyarrow.parquet")
        if self.are_in_memory:
            return pa.chunked_array(
                [
                    chunk
                    for file in self.files
                    for batch in pq.ParquetFile(file).iter_batches(columns=self._paths)
                    for chunk in [_encoded(batch.column(0))]
                ],
                pa.binary(),
            )
        copy = self._copy()
        if not copy.exists():
            try:
                self._write(copy)
            except OSError as error:
                raise ValueError(
                    f"{self.files[0].parent} holds {self._bytes / 2**30:.0f} GiB of "
                    "images, too many for memory, which are copied there once for "
                    f"reading in any order. This failed: {error}. Move the files to a "
                    "disk with room for as much again."
                ) from error
        return pa.ipc.open_file(pa.memory_map(str(copy))).read_all().column(0)

    def _copy(self) -> Path:
        """Return the path of the copy, whose name says of which files it is."""
        about = [(file.name, file.stat().st_size) for file in self.files]
        digest = hashlib.sha256(repr((about, self.column)).encode()).hexdigest()
        return self.files[0].with_name(f"keras_cnnzoo.{digest[:16]}.arrow")

    def _write(self, copy: Path) -> None:
        pa, pq = pyarrow("pyarrow"), pyarrow("pyarrow.parquet")
        schema = pa.schema([("bytes", pa.binary())])
        with replacing(copy) as partial, pa.ipc.new_file(str(partial), schema) as out:
            for file in self.files:
                batches = pq.ParquetFile(file).iter_batches(BATCH, columns=self._paths)
                for batch in batches:
                    out.write(pa.record_batch([_encoded(batch.column(0))], schema))


def _encoded(images: Any) -> Any:
    """Return the bytes of images, which may be fields of a struct."""
    pa = pyarrow("pyarrow")
    if pa.types.is_struct(images.type):
        images = images.field("bytes")
    return images.cast(pa.binary())
