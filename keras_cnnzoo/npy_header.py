"""What an array in NumPy's file format says of itself, before any of it is read."""

from typing import Any

import numpy as np


def npy_header(file: Any) -> tuple[tuple[int, ...], np.dtype] | None:
    """Return shape and type of an array in NumPy's format; None where it is none.

    Args:
        file: An open file; it stands behind the header afterwards.

    Raises:
        ValueError: The header is damaged.
    """
    try:
        version = np.lib.format.read_magic(file)
    except ValueError:
        return None
    # The third version differs from the second in the letters of fields' names.
    parse = np.lib.format.read_array_header_2_0
    if version == (1, 0):
        parse = np.lib.format.read_array_header_1_0
    shape, _, dtype = parse(file)
    return shape, dtype
