"""Limit the memory that a file can demand, before any of it is allocated.

A compressed file can unpack to a thousand times its size. A file that declares so much
is refused. Large images that are within the limits are decoded one after another.
"""

import contextlib
import functools
import os
import threading
from collections.abc import Iterator

#: The most pixels that an image may have. Above it, Pillow warns of a decompression
#: bomb.
MAX_PIXELS = 89_478_485
#: The most pixels of all images that are being decoded at the same time.
MAX_PIXELS_AT_ONCE = 96_000_000
#: An image of more than LARGE_PIXELS may have MAX_PIXELS_PER_BYTE pixels for each byte
#: of its file. Photographs have up to 30, scans of print up to 80, an image of a
#: single colour several hundred.
LARGE_PIXELS, MAX_PIXELS_PER_BYTE = 24_000_000, 100

#: A compressed file of arrays that unpacks to more than LARGE_BYTES may unpack to
#: MAX_UNPACKED_PER_BYTE times its size.
LARGE_BYTES, MAX_UNPACKED_PER_BYTE = 256 * 2**20, 200


def check_image(width: int, height: int, packed: int, *, reduced: bool) -> None:
    """Check the size that an image file declares.

    Args:
        width: Declared width in pixels.
        height: Declared height in pixels.
        packed: Size of the file in bytes.
        reduced: Whether the decoder can reduce a large image while it reads.

    Raises:
        ValueError: The image is too large, or far too large for the size of its file.
    """
    pixels = width * height
    if pixels > MAX_PIXELS:
        raise ValueError(
            f"{width}x{height} is {pixels / 1e6:.0f} million pixels, more than the "
            f"{MAX_PIXELS / 1e6:.0f} million that are decoded"
        )
    if reduced or pixels <= LARGE_PIXELS or pixels <= MAX_PIXELS_PER_BYTE * packed:
        return
    raise ValueError(
        f"{packed:,} bytes that unpack to {width}x{height} pixels are a decompression "
        f"bomb, or almost of one colour: from {LARGE_PIXELS / 1e6:.0f} million pixels "
        f"on, at most {MAX_PIXELS_PER_BYTE} a byte are decoded. Save the image smaller"
    )


def check_unpacked(where: str, unpacked: int, packed: int) -> None:
    """Check the size that a compressed file of arrays declares.

    Raises:
        ValueError: The size is far larger than that of real images.
    """
    if unpacked > LARGE_BYTES and unpacked > MAX_UNPACKED_PER_BYTE * packed:
        raise ValueError(
            f"{where} has {packed:,} bytes and says that it unpacks to {unpacked:,}, "
            f"which looks like a decompression bomb: above {LARGE_BYTES / 2**20:.0f} "
            f"MiB, at most {MAX_UNPACKED_PER_BYTE} times the file's size is read. Save "
            "it without compression if it is meant so."
        )


class Room:
    """A limit that several threads share; a thread waits until there is enough room.

    Args:
        limit: The total amount that may be held at the same time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def take(self, amount: int) -> Iterator[None]:
        """Hold an amount; an amount above the limit holds the whole limit."""
        amount = min(amount, self._limit)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= amount)
            self._left -= amount
        try:
            yield
        finally:
            with self._changed:
                self._left += amount
                self._changed.notify_all()


def decoding_room() -> Room:
    """Return this process's shared limit for decoding, in pixels."""
    return _room(os.getpid())


# Each process has its own limit: a process forked while a thread holds the lock would
# wait forever.
@functools.cache
def _room(process: int) -> Room:
    return Room(MAX_PIXELS_AT_ONCE)
