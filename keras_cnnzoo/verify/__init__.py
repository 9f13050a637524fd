"""Verify that models compute the same as their reference implementations."""

from keras_cnnzoo.verify.check import is_stale, stale_models, verifiable, verify
from keras_cnnzoo.verify.comparison import Comparison, compare
from keras_cnnzoo.verify.drawing import reference_images, reference_weights
from keras_cnnzoo.verify.sweeping import Outcome, sweep

__all__ = [
    "Comparison",
    "Outcome",
    "compare",
    "is_stale",
    "reference_images",
    "reference_weights",
    "stale_models",
    "sweep",
    "verifiable",
    "verify",
]
