"""Start TensorFlow without log messages unless something fails.

TensorFlow writes some lines before it reads its own log level, so only redirecting
standard error keeps them out of a notebook. A user who sets the log level sees
everything.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from keras_cnnzoo.installed import backend

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
#: Exists if NVIDIA's driver is loaded.
_DRIVER = Path("/dev/nvidiactl")


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Import and start TensorFlow without messages within the context.

    If the context ends with an exception, the messages are shown after all.
    """
    if _LEVEL in os.environ or "tensorflow" in sys.modules or backend() != "tensorflow":
        yield
        return
    # Without a driver, TensorFlow logs the missing GPU as an error.
    os.environ[_LEVEL] = "2" if _DRIVER.exists() else "3"
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    with tempfile.TemporaryFile() as aside:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.write(kept, aside.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
