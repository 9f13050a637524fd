"""How much memory a file may ask for, checked before any of it is taken.

A compressed file can be a thousand times smaller than what it unpacks to. One that says
so of itself is refused; several that are large but honest are unpacked one after the
other.
"""

import contextlib
import functools
import os
import threading
from collections.abc import Iterator

# Images. Pillow itself begins to warn of a decompression bomb at the first number.
MAX_PIXELS = 89_478_485
#: Images being decoded at the same time have no more pixels than this together, unless
#: one alone has more.
MAX_PIXELS_AT_ONCE = 96_000_000
#: From this many pixels on, an image must not have more than so many for each byte of
#: its file. Photographs have up to 30, scans of print up to 80, an image of one colour
#: several hundred.
LARGE_PIXELS, MAX_PIXELS_PER_BYTE = 24_000_000, 100

# Arrays in a compressed file.
LARGE_BYTES, MAX_UNPACKED_PER_BYTE = 256 * 2**20, 200


def check_image(width: int, height: int, packed: int, *, reduced: bool) -> None:
    """Check the size that an image file declares.

    Args:
        width: Declared pixels.
        height: Declared pixels.
        packed: Bytes of the file.
        reduced: Whether the decoder makes a large image small while it reads.

    Raises:
        ValueError: It is too large, or far larger than such a file can honestly hold.
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
        ValueError: It is far larger than real images would be.
    """
    if unpacked > LARGE_BYTES and unpacked > MAX_UNPACKED_PER_BYTE * packed:
        raise ValueError(
            f"{where} has {packed:,} bytes and says that it unpacks to {unpacked:,}, "
            f"which looks like a decompression bomb: above {LARGE_BYTES / 2**20:.0f} "
            f"MiB, at most {MAX_UNPACKED_PER_BYTE} times the file's size is read. Save "
            "it without compression if it is meant so."
        )


class Room:
    """A limit that several threads share; who finds none left waits.

    Args:
        limit: How much there is.
    """

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def take(self, amount: int) -> Iterator[None]:
        """Hold an amount; one above the limit gets all of it, alone."""
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
    """Return the room for decoding in this process, in pixels."""
    return _room(os.getpid())


# A process that is forked while a thread holds the lock would wait for ever: each
# process has a room of its own.
@functools.cache
def _room(process: int) -> Room:
    return Room(MAX_PIXELS_AT_ONCE)
