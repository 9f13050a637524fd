"""Ways to train a model that has learnt from other data, by name."""

import difflib
import functools
from collections.abc import Callable, Mapping

import keras

from keras_cnnzoo.training.fine_tuning import fine_tune
from keras_cnnzoo.training.probing import linear_probe

#: What each way trains, and how.
TRANSFERS: Mapping[str, Callable[..., keras.callbacks.History]] = {
    "probe": linear_probe,
    "finetune": fine_tune,
    "gradual": functools.partial(fine_tune, gradual=True),
}


def transfer_by(name: str) -> Callable[..., keras.callbacks.History]:
    """Return the function that trains a compiled, pretrained model in this way.

    It takes `(model, train, validation, *, epochs, callbacks, verbose)` and returns the
    history, as `fit` does.

    Args:
        name: "probe", "finetune" or "gradual": see `linear_probe` and `fine_tune`.

    Raises:
        ValueError: There is no such way.
    """
    if name not in TRANSFERS:
        near = difflib.get_close_matches(name, TRANSFERS, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"`transfer` is {', '.join(map(repr, TRANSFERS))} or None. Received: "
            f"{name!r}.{hint}"
        )
    return TRANSFERS[name]
