"""The page that `explain` writes."""

from keras_cnnzoo.inspect.report.writing import explain

__all__ = ["explain"]
