"""Pictures as `data:` URLs, which an HTML page can show offline."""

import base64
import io

import numpy as np


def as_url(picture: np.ndarray) -> str:
    """Encode a uint8 picture as the `data:` URL of a PNG."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
