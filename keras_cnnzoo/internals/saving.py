"""Save, load and build models without what Keras 3.15 does in vain.

To ask whether a value is of one of TensorFlow's types, Keras imports TensorFlow on JAX
and PyTorch too: several seconds, in which no value can be of a type that nothing has
imported. And for every layer that it saves or loads, Keras makes an empty layer to list
its attributes, since it looks for the list under another name than it keeps it: about a
third of the time that it takes to save a small model.
"""

import contextlib
import functools
import inspect
import sys
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def without_tensorflow() -> Iterator[None]:
    """Keep Keras from importing TensorFlow only to look for values of its types.

    On the TensorFlow backend, or where TensorFlow is imported, nothing changes.
    """
    lazy = inspect.unwrap(keras.utils.set_random_seed).__globals__["tf"]
    if keras.backend.backend() == "tensorflow" or "tensorflow" in sys.modules:
        yield
        return
    before = lazy._available
    lazy._available = False
    try:
        yield
    finally:
        lazy._available = before


@contextlib.contextmanager
def lean_saving() -> Iterator[None]:
    """Save or load within the context, without the import and the empty layers."""
    library = inspect.unwrap(keras.saving.save_model).__globals__["saving_lib"]
    plain = library.get_attr_skipset
    library.get_attr_skipset = functools.cache(plain)
    try:
        with without_tensorflow():
            yield
    finally:
        library.get_attr_skipset = plain
