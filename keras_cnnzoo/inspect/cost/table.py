"""A model's costs as a table: for a terminal, a spreadsheet or a data frame."""

import csv
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from keras_cnnzoo.files import replacing
from keras_cnnzoo.html_table import html_table
from keras_cnnzoo.inspect.cost.memory import Memory
from keras_cnnzoo.inspect.field.region import ReceptiveField

#: Headings of the plain and the rich table, and the text of a row's cell below each.
COLUMNS: dict[str, Callable[["Row"], str]] = {
    "layer": lambda row: row.path,
    "kind": lambda row: row.kind,
    "output": lambda row: _sizes(row.output_shape),
    "params": lambda row: f"{row.params:,}",
    "MACs": lambda row: f"{row.macs:,}",
    "share": lambda row: f"{row.macs_share:.1%}",
    "memory": lambda row: nbytes(row.activation_bytes),
    "sees": lambda row: "" if row.field is None else _sizes(row.field.size),
    "fully connected": lambda row: f"{row.dense:.1e}" if row.dense else "",
}
_LEFT = 3


@dataclass(frozen=True)
class Row:
    """One call of a layer.

    Attributes:
        path: Path of the layer; `path:1` for its second call.
        kind: Name of the layer's class.
        output_shape: Shape of the output for one image, without the batch.
        params: Number of trainable parameters of the layer, counted at its first call.
        fixed: Number of its other weights, such as the running statistics of a batch
            normalisation.
        macs: Multiply-accumulates for one image; see `count_macs`.
        activation_bytes: Size of its output for the whole batch.
        field: Receptive field of its units; None if it is not known.
        dense: For a convolution: the number of weights, and of multiply-accumulates,
            of a fully connected layer with the same input and output. None for others.
        params_share: The layer's share of the model's trainable parameters.
        macs_share: Its share of the model's multiply-accumulates.
        memory_share: Its share of the bytes of all activations.
    """

    path: str
    kind: str
    output_shape: tuple[int, ...]
    params: int
    fixed: int
    macs: int
    activation_bytes: int
    field: ReceptiveField | None
    dense: int | None
    params_share: float
    macs_share: float
    memory_share: float


@dataclass(frozen=True)
class Profile:
    """The cost of a model, layer by layer and in total.

    `print` shows it as a table. `table()` returns a table of the package rich,
    `to_csv` writes a file, and `pandas.DataFrame(profile.columns)` makes a data frame.

    Attributes:
        name: Name of the model.
        input_shape: Shape of one image.
        batch_size: The number of images for which bytes are given.
        rows: One row per call of a layer that calls no other layers, or that has
            weights or operations of its own beside them, such as a block with a
            residual addition.
        memory: Memory for training and inference.
    """

    name: str
    input_shape: tuple[int, ...]
    batch_size: int
    rows: tuple[Row, ...]
    memory: Memory

    @property
    def params(self) -> int:
        """Number of trainable parameters."""
        return sum(row.params for row in self.rows)

    @property
    def fixed(self) -> int:
        """Number of weights that are not trained."""
        return sum(row.fixed for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        return sum(row.macs for row in self.rows)

    @property
    def columns(self) -> dict[str, list[Any]]:
        """The rows as columns of plain values, sizes written as in "112x112x64"."""
        return {
            name: [_plain(getattr(row, name)) for row in self.rows]
            for name in Row.__dataclass_fields__
        }

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the rows to a CSV file, completely or not at all.

        Raises:
            OSError: The file cannot be written. An existing file is unchanged.
        """
        with (
            replacing(path) as partial,
            partial.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(self.columns)
            writer.writerows(zip(*self.columns.values(), strict=True))

    def table(self) -> Any:
        """Return the rows and totals as a `rich.table.Table`."""
        from rich.table import Table

        table = Table(title=self._title, caption="\n".join(self._totals), box=None)
        for i, heading in enumerate(COLUMNS):
            left = i < _LEFT - 1
            table.add_column(
                heading,
                justify="left" if left else "right",
                overflow="fold" if left else "ellipsis",
                no_wrap=not left,
            )
        for cells in self._cells():
            table.add_row(*cells)
        return table

    def _repr_html_(self) -> str:
        """Show the rows and totals in a notebook."""
        return html_table(
            self._title, self._cells(), columns=tuple(COLUMNS), notes=self._totals
        )

    def __str__(self) -> str:
        lines = [tuple(COLUMNS), *self._cells()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        body = [
            "  ".join(
                cell.ljust(width) if i < _LEFT else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        return "\n".join([self._title, *body, *self._totals])

    @property
    def _title(self) -> str:
        images = "1 image" if self.batch_size == 1 else f"{self.batch_size} images"
        return f"{self.name}: {images} of {_sizes(self.input_shape)}"

    @property
    def _totals(self) -> list[str]:
        held = self.memory
        return [
            f"{self.params:,} trainable parameters, {self.fixed:,} others; "
            f"{self.macs:,} multiply-accumulates an image",
            f"inference: {nbytes(held.inference)} = weights {nbytes(held.weights)}, "
            f"activations alive at once {nbytes(held.peak)}",
            f"training: {nbytes(held.training)} = weights, gradients "
            f"{nbytes(held.gradients)}, optimizer {nbytes(held.slots)}, all "
            f"activations {nbytes(held.activations)}",
        ]

    def _cells(self) -> list[tuple[str, ...]]:
        return [tuple(text(row) for text in COLUMNS.values()) for row in self.rows]


def nbytes(number: float) -> str:
    """Format a number of bytes with a suitable unit.

    Example:
        >>> nbytes(512), nbytes(1536), nbytes(102_760_448)
        ('512 B', '1.5 KiB', '98.0 MiB')
    """
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    power = 0
    while number >= 1024 and power < len(units) - 1:
        number /= 1024
        power += 1
    return f"{number:.0f} B" if power == 0 else f"{number:.1f} {units[power]}"


def _sizes(sizes: Sequence[float]) -> str:
    return "x".join(f"{size:g}" for size in sizes)


def _plain(value: Any) -> Any:
    if isinstance(value, ReceptiveField):
        return _sizes(value.size)
    return _sizes(value) if isinstance(value, tuple) else value
