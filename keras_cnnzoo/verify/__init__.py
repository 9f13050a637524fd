"""Show that models equal the implementations they are to equal."""

from keras_cnnzoo.verify.check import is_stale, verifiable, verify
from keras_cnnzoo.verify.comparison import Comparison, compare
from keras_cnnzoo.verify.drawing import reference_images, reference_weights

__all__ = [
    "Comparison",
    "compare",
    "is_stale",
    "reference_images",
    "reference_weights",
    "verifiable",
    "verify",
]
