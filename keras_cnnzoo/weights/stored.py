"""An array of a file that is known by its shape before any of it is read."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Stored:
    """What a file declares about one array, and how to read it.

    A few bytes can declare gigabytes. So whoever fills a model compares shapes first,
    and reads what has as many numbers as the variable that it is for.

    Attributes:
        shape: As the file states it.
        kind: "f" for floating point, "i" and "u" for integers, as NumPy's `dtype.kind`.
        read: Read it from the file.
    """

    shape: tuple[int, ...]
    kind: str
    read: Callable[[], np.ndarray]

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)


#: Arrays by the names they have where they come from.
Arrays = Mapping[str, Stored]

#: Kinds of numbers that weights consist of.
NUMBERS = "fiu"


def in_memory(arrays: Mapping[str, np.ndarray]) -> dict[str, Stored]:
    """Describe arrays that are there already."""

    def stored(array: np.ndarray) -> Stored:
        return Stored(array.shape, array.dtype.kind, lambda: array)

    return {name: stored(array) for name, array in arrays.items()}
