"""Shape and dtype of an array in NumPy's file format, without reading its values."""

from typing import Any

import numpy as np


def npy_header(file: Any) -> tuple[tuple[int, ...], np.dtype] | None:
    """Return shape and dtype of an array file, or None if it is not in NumPy's format.

    Args:
        file: An open file. Afterwards its position is at the end of the header.

    Raises:
        ValueError: The header is damaged.
    """
    try:
        version = np.lib.format.read_magic(file)
    except ValueError:
        return None
    # Version 3 differs from version 2 only in the encoding of field names.
    parse = np.lib.format.read_array_header_2_0
    if version == (1, 0):
        parse = np.lib.format.read_array_header_1_0
    shape, _, dtype = parse(file)
    return shape, dtype
