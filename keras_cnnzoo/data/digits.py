"""The digits that come with the package: 1,797 scanned images of 8x8 pixels.

Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, 1998, UCI Machine
Learning Repository, https://doi.org/10.24432/C50P49, licence CC BY 4.0
(https://creativecommons.org/licenses/by/4.0/). `digits.npz` has the 1,797 images of its
test set, as scikit-learn distributes them. The one change is that the pixels, counts
from 0 to 16, are scaled to 0 to 255 and rounded.
"""

from importlib import resources

import numpy as np

from keras_cnnzoo.data.checks import numbered
from keras_cnnzoo.data.examples import ArrayExamples, Source

# Every fifth image of each class is in the test set, independent of the seed.
HELD_OUT = 5


def digits() -> Source:
    """Return the package's digits, with a fixed test set."""
    file = resources.files("keras_cnnzoo.data") / "digits.npz"
    with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
        pixels, labels = arrays["images"], arrays["labels"].astype(np.int32)
    everything = ArrayExamples(pixels[..., None], labels)
    held = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        held[np.flatnonzero(labels == label)[HELD_OUT - 1 :: HELD_OUT]] = True
    return Source(
        name="digits",
        sets={
            "train": everything.take(np.flatnonzero(~held)),
            "test": everything.take(np.flatnonzero(held)),
        },
        class_names=numbered(labels),
    )
