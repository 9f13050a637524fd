"""Load whole models from `.keras` files that may come from anybody."""

import os
from pathlib import Path

import keras

from keras_cnnzoo.internals.allocation import at_most
from keras_cnnzoo.weights import content
from keras_cnnzoo.weights.files import named
from keras_cnnzoo.weights.keras_files import CONFIG, check_archive, count_saved

#: The weights of a model may have so many times as many numbers as its file holds, and
#: so many more: quantised weights are packed, and some are made anew.
_TIMES, _MORE = 4, 1 << 22


def load_saved(path: str | os.PathLike[str]) -> keras.Model:
    """Load a model that Keras saved, in no more memory than its file accounts for.

    Args:
        path: A `.keras` file.

    Returns:
        The model, not compiled.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is cut short or damaged, is something else, or describes a
            model far larger than the weights it holds.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    with named(path, ".keras"):
        content.check(path)
        check_archive(path)
        numbers = count_saved(path)
    with at_most(_TIMES * numbers + _MORE) as bound:
        try:
            return keras.saving.load_model(path, compile=False)
        except Exception:
            if not bound.exceeded:
                raise
    raise ValueError(
        f"{str(path)!r} is not loaded: its {CONFIG} describes a model of far more "
        f"weights than the {numbers:,} numbers that the file holds."
    )
