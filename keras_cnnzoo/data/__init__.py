"""Load labelled images for `fit`, by name or from folders, files and arrays.

    from keras_cnnzoo import data
    digits = data.load("digits", image_size=32)
    model.fit(digits.train, validation_data=digits.validation)

Images are read, resized and augmented with NumPy and Pillow, so that every backend
gets the same pixels.
"""

from keras_cnnzoo.data.augment import AUGMENTATIONS, Augmentation
from keras_cnnzoo.data.examples import Skipped, Source
from keras_cnnzoo.data.imageset import ImageSet
from keras_cnnzoo.data.loading import load, open_source
from keras_cnnzoo.data.names import display_names
from keras_cnnzoo.data.policies import RandAugment, TrivialAugmentWide
from keras_cnnzoo.data.splits import Splits
from keras_cnnzoo.data.targets import Targets

__all__ = [
    "AUGMENTATIONS",
    "Augmentation",
    "ImageSet",
    "RandAugment",
    "Skipped",
    "Source",
    "Splits",
    "Targets",
    "TrivialAugmentWide",
    "display_names",
    "load",
    "open_source",
]
