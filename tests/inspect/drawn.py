"""What a figure shows."""

import numpy as np


def title(axes):
    """Return what stands above a picture."""
    return axes.get_title(loc="left")


def values(axes):
    """Return the pixels that are drawn last."""
    return np.asarray(axes.images[-1].get_array())
