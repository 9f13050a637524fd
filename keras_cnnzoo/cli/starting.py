"""Start Keras and its backend, without a word where all is well."""

import contextlib
import os
import sys
from collections.abc import Iterator


def start_keras() -> None:
    """Import Keras, register the layers, and have the backend look for its devices.

    Raises:
        ImportError: The backend is not installed; the message says what to install.
    """
    from keras_cnnzoo.installed import require_backend

    require_backend()
    with _without_chatter():
        import keras

        # Saved models load only once their layers are registered.
        import keras_cnnzoo.layers  # noqa: F401

        keras.ops.zeros(())  # the first operation looks for devices


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    """Hide what backends write to the standard error while they start.

    TensorFlow writes some of it before it looks at its own log level. Whoever sets
    that level sees everything.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        yield
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
