"""The page that `explain` writes."""

from keras_cnnzoo.inspect.report.explain import explain

__all__ = ["explain"]
