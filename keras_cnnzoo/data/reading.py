"""Read an image file straight into the pixels of a batch."""

from collections.abc import Callable

import numpy as np

from keras_cnnzoo.data import fast
from keras_cnnzoo.data.adapt import Adapter, Box
from keras_cnnzoo.data.decode import (
    EXIF_ORIENTATION,
    TURNED,
    Encoded,
    decoded,
    opened,
    reduction,
    room_for,
)

#: Returns the part of an image to take, given its height and width; None takes all.
Window = Callable[[int, int], Box | None]

#: A JPEG is decoded at a half, a quarter or an eighth of its size if its crop then
#: still has this many times the pixels of the result, along both axes. On photographs
#: the result then differs from that of the whole image by 0.5 on average and 16 at
#: most, of 255; Pillow's `thumbnail` uses the same number.
REDUCING_GAP = 2


def read(
    encoded: Encoded, adapter: Adapter, window: Window | None = None
) -> np.ndarray:
    """Decode an image file and convert it to an adapter's size and channels.

    It gives what `adapter.one(decode(encoded), box)` gives, with less work: the pixels
    stay with Pillow until they have their size, and a JPEG whose crop is at least four
    times as wide and as high as the result is decoded smaller (`REDUCING_GAP`). Crops
    of other JPEG files are left to `keras_cnnzoo.data.fast`, where its packages are
    installed.

    Args:
        encoded: A path, or the bytes of a file, in any format that Pillow reads.
        adapter: Size, channels, fit and interpolation of the result.
        window: Returns the part of an image to take, as left, top, right, bottom, given
            the height and width of the upright image; None takes what `adapter.fit`
            takes, from pixels that are decoded in full.

    Returns:
        uint8 pixels of shape `adapter.shape`.

    Raises:
        Exception: As for `keras_cnnzoo.data.decode.decode`.
    """
    with opened(encoded) as image, room_for(image):
        factor = reduction(*image.size)
        if window is None:
            return adapter.picture(decoded(image, adapter.channels, factor))
        turn = image.getexif().get(EXIF_ORIENTATION, 1)
        width, height = image.size[::-1] if turn in TURNED else image.size
        box = window(height, width)
        if box is not None:
            # Turned, the part of a pixel at the end would be at the beginning.
            whole = turn > 1
            factor = max(factor, _spare(box, adapter.size, image.size if whole else ()))
            if turn == factor == 1 and image.format == "JPEG" and image.mode != "CMYK":
                crop = fast.cropped(encoded, adapter, box)
                if crop is not None:
                    return crop
            left, top, right, bottom = (edge / factor for edge in box)
            box = left, top, right, bottom
        return adapter.picture(decoded(image, adapter.channels, factor), box)


def _spare(box: Box, size: tuple[int, int], whole: tuple[int, ...]) -> int:
    """Return the largest factor by which a crop can be reduced and still be large.

    Args:
        box: The crop.
        size: Height and width of the result.
        whole: Sides that the factor must divide.
    """
    left, top, right, bottom = box
    most = min((bottom - top) / size[0], (right - left) / size[1]) / REDUCING_GAP
    factors = (n for n in (8, 4, 2) if n <= most and not any(s % n for s in whole))
    return next(factors, 1)
