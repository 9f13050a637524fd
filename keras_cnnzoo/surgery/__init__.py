"""Replace, add or remove layers of a model."""

from keras_cnnzoo.surgery.exchanging import exchange
from keras_cnnzoo.surgery.fusing import fuse
from keras_cnnzoo.surgery.instrumenting import instrument, plain

__all__ = ["exchange", "fuse", "instrument", "plain"]
