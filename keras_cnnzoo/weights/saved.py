"""Load whole models from `.keras` files of unknown origin."""

import os
from pathlib import Path

import keras

from keras_cnnzoo.internals.allocation import at_most
from keras_cnnzoo.internals.saving import lean_saving
from keras_cnnzoo.weights import content
from keras_cnnzoo.weights.files import named
from keras_cnnzoo.weights.keras_files import CONFIG, check_archive, count_saved

#: A model may have `_TIMES` times the parameters that its file holds, plus `_MORE`,
#: because quantised weights are packed, and some variables are created on loading.
_TIMES, _MORE = 4, 1 << 22


def load_saved(path: str | os.PathLike[str]) -> keras.Model:
    """Load a model that Keras saved, within memory in proportion to its file.

    Args:
        path: A `.keras` file.

    Returns:
        The model, not compiled.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is cut short, damaged or of another kind, or describes a
            model far larger than the weights it holds.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    with named(path, ".keras"):
        content.check(path)
        check_archive(path)
        numbers = count_saved(path)
    with at_most(_TIMES * numbers + _MORE) as bound, lean_saving():
        try:
            return keras.saving.load_model(path, compile=False)
        except Exception:
            if not bound.exceeded:
                raise
    raise ValueError(
        f"{str(path)!r} is not loaded: its {CONFIG} describes a model of far more "
        f"weights than the {numbers:,} numbers that the file holds."
    )
