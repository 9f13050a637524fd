"""Turn an image file of any kind into 8-bit grey or RGB pixels."""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

Encoded = str | Path | bytes

# Where Pillow itself begins to warn of a decompression bomb. Refusing there keeps a
# small file from taking gigabytes, and needs no change of Pillow's global limit.
MAX_PIXELS = 89_478_485
# JPEGs larger than this are decoded at a half, a quarter or an eighth of their size,
# still no smaller than the side below.
DRAFT_ABOVE_PIXELS = 24_000_000
DRAFT_SIDE = 1024
EXIF_ORIENTATION = 0x0112
# What a complete file of a format ends with, within this many bytes.
TAIL_BYTES = 64
ENDS = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND", "GIF": b"\x3b"}
GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N")


class Header(NamedTuple):
    """What the first bytes of an image file say."""

    height: int
    width: int
    grey: bool


def _open(encoded: Encoded) -> Image.Image:
    source = io.BytesIO(encoded) if isinstance(encoded, bytes) else encoded
    image = Image.open(source)
    width, height = image.size
    if width * height > MAX_PIXELS:
        image.close()
        raise ValueError(
            f"{width}x{height} is {width * height / 1e6:.0f} million pixels, more than "
            f"the {MAX_PIXELS / 1e6:.0f} million that are decoded"
        )
    return image


def decode(encoded: Encoded, *, channels: int = 3) -> np.ndarray:
    """Decode an image file.

    The rotation in EXIF is applied. Transparency is composited on white. 16-bit grey
    is scaled to 8 bits, CMYK is converted, and of an animation the first frame is
    taken. Colour profiles are not applied. A JPEG of more than 24 million pixels is
    decoded at a reduced size, of at least 1,024 pixels a side.

    Args:
        encoded: A path, or the bytes of a file, in any format that Pillow reads.
        channels: 1 for grey (ITU-R 601 luma), 3 for RGB.

    Returns:
        uint8 pixels `(height, width, channels)`.

    Raises:
        Exception: The file is no image, is damaged, or is larger than 89 million
            pixels. Which exception depends on the format's decoder in Pillow.
    """
    with _open(encoded) as image:
        if image.width * image.height > DRAFT_ABOVE_PIXELS:
            image.draft(None, (DRAFT_SIDE, DRAFT_SIDE))
        upright = ImageOps.exif_transpose(image)
        pixels = np.asarray(_plain(upright).convert("L" if channels == 1 else "RGB"))
    return pixels.reshape(*pixels.shape[:2], channels)


def _plain(image: Image.Image) -> Image.Image:
    """Remove what 8-bit grey and RGB do not have: transparency and deep pixels."""
    if image.mode == "F":
        raise ValueError("floating-point pixels, whose white is not defined")
    if image.mode.startswith("I"):
        deep = np.asarray(image).astype(np.int64)
        if deep.min() < 0 or deep.max() > 0xFFFF:
            raise ValueError(f"pixels from {deep.min()} to {deep.max()}, not 16-bit")
        return Image.fromarray(((deep + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        colour = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, colour)
    return image


def inspect(path: str) -> Header:
    """Read the header of an image file, and the rest only where the end looks cut.

    Raises:
        Exception: The file is no image, is too large, or is damaged. Damage within a
            file of the right ending is found by `decode` only.
    """
    with _open(path) as image:
        width, height = image.size
        # Pillow decodes a whole PNG to look for EXIF behind the pixels.
        has_exif = image.format != "PNG" or "exif" in image.info
        if has_exif and image.getexif().get(EXIF_ORIENTATION, 1) >= 5:
            width, height = height, width
        header = Header(height, width, image.mode in GREY_MODES)
        complete = _ends_well(path, image.format)
    if not complete:
        decode(path)
    return header


def _ends_well(path: str, kind: str | None) -> bool:
    with open(path, "rb") as file:
        size = file.seek(0, io.SEEK_END)
        if kind == "WEBP":
            file.seek(4)
            return size >= 8 + int.from_bytes(file.read(4), "little")
        file.seek(max(0, size - TAIL_BYTES))
        return kind in ENDS and ENDS[kind] in file.read()
