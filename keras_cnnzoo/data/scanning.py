"""Look at the headers of image files: what there is, and what cannot be used."""

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import UnidentifiedImageError

from keras_cnnzoo.data.decode import Encoded, Header, inspect
from keras_cnnzoo.data.examples import Skipped

THREADS = 8
# The most files that a warning names.
NAMED = 5


def scan(fetch: Callable[[int], Encoded], count: int) -> list[Header | str]:
    """Return the header of each image, or why it cannot be used.

    Args:
        fetch: Returns the path, or the bytes, of the image with a number.
        count: How many images to look at, from number 0 on.
    """

    def header(number: int) -> Header | str:
        try:
            file = fetch(number)
            size = len(file) if isinstance(file, bytes) else os.path.getsize(file)
            return inspect(file) if size else "empty"
        except UnidentifiedImageError:
            return "no image that Pillow can read"
        except Exception as error:  # Pillow raises various exceptions
            return str(error) or type(error).__name__

    # Pillow warns of files that are refused anyway, and of harmless damage in EXIF.
    with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as threads:
        warnings.simplefilter("ignore")
        return list(threads.map(header, range(count)))


def common_shape(headers: Sequence[Header]) -> tuple[int | None, int | None, int]:
    """Return height, width and channels; the former None if images differ.

    There is one channel only if every image is grey.
    """
    sizes = {header[:2] for header in headers}
    height, width = sizes.pop() if len(sizes) == 1 else (None, None)
    return height, width, 1 if all(header.grey for header in headers) else 3


def median_side(headers: Sequence[Header]) -> int:
    """Return the median of the images' shorter sides in pixels."""
    return int(np.median([min(header[:2]) for header in headers]))


def warn_of(where: object, skipped: Sequence[Skipped]) -> None:
    """Warn of files that were left out, if there are any."""
    if not skipped:
        return
    count = len(skipped)
    some = "; ".join(f"{path} ({why})" for path, why in skipped[:NAMED])
    rest = f"; {count - NAMED} more are in `skipped`" if count > NAMED else ""
    warnings.warn(
        f"{where}: left out {count} file{'s' * (count > 1)}: {some}{rest}.",
        stacklevel=5,
    )
