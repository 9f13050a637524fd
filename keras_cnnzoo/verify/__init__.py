"""Show that models equal the implementations they are to equal."""

from keras_cnnzoo.verify.comparison import Comparison, compare
from keras_cnnzoo.verify.drawing import reference_images, reference_weights

__all__ = ["Comparison", "compare", "reference_images", "reference_weights"]
