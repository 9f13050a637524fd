"""Describe an array in a file by its shape, before any of it is read."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Stored:
    """The declared shape of an array in a file, and a function that reads it.

    A few bytes can declare gigabytes. So code that loads a model compares shapes first,
    and reads only arrays with as many elements as their variable.

    Attributes:
        shape: The shape that the file declares.
        kind: "f" for floating point, "i" and "u" for integers, as NumPy's `dtype.kind`.
        read: Reads the array.
    """

    shape: tuple[int, ...]
    kind: str
    read: Callable[[], np.ndarray]

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


#: Arrays by their names in the source.
Arrays = Mapping[str, Stored]

#: Kinds of numbers that weights consist of.
NUMBERS = "fiu"


def in_memory(arrays: Mapping[str, np.ndarray]) -> dict[str, Stored]:
    """Describe arrays that are already in memory."""

    def stored(array: np.ndarray) -> Stored:
        return Stored(array.shape, array.dtype.kind, lambda: array)

    return {name: stored(array) for name, array in arrays.items()}
