"""Decode image files of any format to 8-bit grey or RGB pixels."""

import io
import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from keras_cnnzoo.data.bounds import LARGE_PIXELS, check_image, decoding_room

Encoded = str | Path | bytes

# Images of more than LARGE_PIXELS are reduced to a half, a quarter or an eighth of
# their size, as long as both sides keep this many pixels: JPEGs while they are decoded,
# other formats afterwards.
LEAST_SIDE = 1024
EXIF_ORIENTATION = 0x0112
# The EXIF orientations that turn an image on its side.
TURNED = (5, 6, 7, 8)
#: The formats that are reduced while they are decoded.
JPEGS = ("JPEG", "MPO")
# A complete file has its format's end marker within its last TAIL_BYTES bytes.
TAIL_BYTES = 64
ENDS = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND", "GIF": b"\x3b"}
GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N")


class Header(NamedTuple):
    """The size of an image, and whether it is grey, from its file's header."""

    height: int
    width: int
    grey: bool


def opened(encoded: Encoded) -> Image.Image:
    """Open an image file without decoding its pixels, and check its size."""
    if isinstance(encoded, bytes):
        image, packed = Image.open(io.BytesIO(encoded)), len(encoded)
    else:
        image, packed = Image.open(encoded), os.path.getsize(encoded)
    try:
        # A progressive JPEG is decoded completely before it is reduced.
        reduced = image.format in JPEGS and "progressive" not in image.info
        check_image(*image.size, packed, reduced=reduced)
    except ValueError:
        image.close()
        raise
    return image


def decode(encoded: Encoded, *, channels: int = 3) -> np.ndarray:
    """Decode an image file.

    The rotation in EXIF is applied. Transparency is composited on white. 16-bit grey
    is scaled to 8 bits, CMYK is converted, and the first frame of an animation is
    taken. Colour profiles are not applied. An image of more than 24 million pixels is
    reduced to a half, a quarter or an eighth of its size, as long as both sides keep
    1,024 pixels.

    Args:
        encoded: A path, or the bytes of a file, in any format that Pillow reads.
        channels: 1 for grey (ITU-R 601 luma), 3 for RGB.

    Returns:
        uint8 pixels `(height, width, channels)`.

    Raises:
        Exception: The file is damaged or not an image, has more than 89 million pixels,
            or is a decompression bomb (`keras_cnnzoo.data.bounds`). The type of the
            exception depends on Pillow's decoder for the format.
    """
    with opened(encoded) as image, room_for(image):
        return pixels(decoded(image, channels, reduction(*image.size)))


def room_for(image: Image.Image) -> AbstractContextManager[None]:
    """Wait until this process has room for the pixels of an opened image."""
    return decoding_room().take(image.width * image.height)


def reduction(width: int, height: int) -> int:
    """Return the factor by which an image is reduced for its size: 8, 4, 2 or 1."""
    if width * height <= LARGE_PIXELS:
        return 1
    return next((n for n in (8, 4, 2) if min(width, height) >= n * LEAST_SIDE), 1)


def decoded(image: Image.Image, channels: int, factor: int = 1) -> Image.Image:
    """Decode an opened image, upright and in mode "L" or "RGB".

    Args:
        image: From `opened`; it is changed in place.
        channels: 1 for grey, 3 for RGB.
        factor: 8, 4, 2 or 1: both sides are divided by it and rounded up. A JPEG is
            reduced while it is decoded, which takes less time.
    """
    width, height = image.size
    if factor > 1:
        image.draft(None, (width // factor, height // factor))
    full = image.size == (width, height)
    ImageOps.exif_transpose(image, in_place=True)
    plain, mode = _plain(image), "L" if channels == 1 else "RGB"
    if plain.mode != mode:
        plain = plain.convert(mode)
    return plain.reduce(factor) if full and factor > 1 else plain


def pixels(image: Image.Image) -> np.ndarray:
    """Return the pixels of an image of mode "L" or "RGB", `(height, width, channels)`.

    They are read-only.
    """
    return np.asarray(image).reshape(image.height, image.width, -1)


def _plain(image: Image.Image) -> Image.Image:
    """Remove transparency, and reduce 16-bit pixels to 8 bits."""
    if image.mode == "F":
        raise ValueError("floating-point pixels, whose white is not defined")
    if image.mode.startswith("I"):
        deep = np.asarray(image)
        if deep.min() < 0 or deep.max() > 0xFFFF:
            raise ValueError(f"pixels from {deep.min()} to {deep.max()}, not 16-bit")
        shallow = deep.astype(np.uint32)
        shallow += 128
        shallow //= 257
        return Image.fromarray(shallow.astype(np.uint8))
    if image.has_transparency_data:
        colour = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, colour)
    return image


def inspect(encoded: Encoded) -> Header:
    """Read the header of an image file; decode it only if its end marker is missing.

    Raises:
        Exception: The file is not an image, is too large, or is damaged. If the end
            marker is there, only `decode` finds other damage.
    """
    with opened(encoded) as image:
        width, height = image.size
        # Pillow would decode a whole PNG to look for EXIF after the pixels.
        has_exif = image.format != "PNG" or "exif" in image.info
        if has_exif and image.getexif().get(EXIF_ORIENTATION, 1) in TURNED:
            width, height = height, width
        header = Header(height, width, image.mode in GREY_MODES)
        complete = _ends_well(encoded, image.format)
    if not complete:
        decode(encoded)
    return header


def _ends_well(encoded: Encoded, kind: str | None) -> bool:
    with _binary(encoded) as file:
        size = file.seek(0, io.SEEK_END)
        if kind == "WEBP":
            file.seek(4)
            return size >= 8 + int.from_bytes(file.read(4), "little")
        file.seek(max(0, size - TAIL_BYTES))
        return kind in ENDS and ENDS[kind] in file.read()


def _binary(encoded: Encoded) -> BinaryIO:
    return io.BytesIO(encoded) if isinstance(encoded, bytes) else open(encoded, "rb")
