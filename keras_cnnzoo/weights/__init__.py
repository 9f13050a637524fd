"""Where weights come from, and how they get into a model."""

from keras_cnnzoo.weights.loading import load
from keras_cnnzoo.weights.report import LoadReport

__all__ = ["LoadReport", "load"]
