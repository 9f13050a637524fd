"""The same model with some of its layers exchanged, added or gone."""

from keras_cnnzoo.surgery.exchanging import exchange
from keras_cnnzoo.surgery.fusing import fuse
from keras_cnnzoo.surgery.instrumenting import instrument, plain

__all__ = ["exchange", "fuse", "instrument", "plain"]
