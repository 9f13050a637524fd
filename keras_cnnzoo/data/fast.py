"""Crop JPEG files in two thirds of the time, where the extra `fast` is installed.

simplejpeg decodes by the same library as Pillow, to the same pixels, without Pillow's
conversion of each row; cykooz-resizer resizes as Pillow does, by vector instructions.
"""

import functools
from pathlib import Path
from types import ModuleType

import numpy as np

from keras_cnnzoo.data.adapt import Adapter, Box
from keras_cnnzoo.data.decode import Encoded

#: By our interpolations, the names of cykooz-resizer's filters.
FILTERS = {"bilinear": "bilinear", "bicubic": "catmull_rom"}


@functools.cache
def packages() -> tuple[ModuleType, ModuleType] | None:
    """Return the packages of the extra; None if one is not installed."""
    try:
        import cykooz_resizer
        import simplejpeg
    except ImportError:
        return None
    return simplejpeg, cykooz_resizer


def cropped(encoded: Encoded, adapter: Adapter, box: Box) -> np.ndarray | None:
    """Decode an RGB or grey JPEG file, and stretch a part of it.

    Args:
        encoded: A path, or the bytes of a file.
        adapter: Size and interpolation of the result, which has 3 channels.
        box: The part to take, as left, top, right, bottom.

    Returns:
        What Pillow gives, but for differences of 0.3 of 255 on average and, bilinear, 1
        at most; bicubic, one pixel in a thousand differs by more than 2, where colours
        are as far apart as in noise. None if the extra is not installed, or the file
        or the result is not for it.
    """
    found = packages()
    if found is None or adapter.channels != 3 or adapter.interpolation not in FILTERS:
        return None
    jpeg, resizer = found
    content = encoded if isinstance(encoded, bytes) else Path(encoded).read_bytes()
    try:
        image = jpeg.decode_jpeg(content, "RGB")
    except ValueError:  # damaged: Pillow says how, or reads it nevertheless
        return None
    kind = getattr(resizer.FilterType, FILTERS[adapter.interpolation])
    left, top, right, bottom = box
    options = resizer.ResizeOptions(
        resize_alg=resizer.ResizeAlg.convolution(kind),
        crop_box=resizer.CropBox(left, top, right - left, bottom - top),
        use_alpha=False,
    )
    three = resizer.PixelType.U8x3
    given = resizer.ImageData(image.shape[1], image.shape[0], three, image.tobytes())
    result = resizer.ImageData(adapter.size[1], adapter.size[0], three)
    resizer.Resizer().resize(given, result, options)
    return np.frombuffer(result.get_buffer(), np.uint8).reshape(adapter.shape)
