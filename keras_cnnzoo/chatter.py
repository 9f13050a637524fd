"""Have TensorFlow start without a word where all is well.

It writes some lines before it looks at its own log level, so only turning the standard
error aside keeps them from a notebook's page. Whoever sets that level sees everything.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from keras_cnnzoo.installed import backend

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
#: Is there where NVIDIA's driver is.
_DRIVER = Path("/dev/nvidiactl")


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Within the context, TensorFlow is imported and starts quietly.

    What is written meanwhile appears after all where the context ends by an exception.
    """
    if _LEVEL in os.environ or "tensorflow" in sys.modules or backend() != "tensorflow":
        yield
        return
    # Without a driver it calls it an error that there is no GPU.
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
