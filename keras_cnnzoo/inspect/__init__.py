"""Look into any Keras model. Knows nothing of the zoo."""

from keras_cnnzoo.inspect.calls import observe
from keras_cnnzoo.inspect.instrument import instrument, set_record, statistics
from keras_cnnzoo.inspect.paths import find, layer_paths
from keras_cnnzoo.inspect.profile import count_macs, count_params
from keras_cnnzoo.inspect.walk import sublayers

__all__ = [
    "count_macs",
    "count_params",
    "find",
    "instrument",
    "layer_paths",
    "observe",
    "set_record",
    "statistics",
    "sublayers",
]
