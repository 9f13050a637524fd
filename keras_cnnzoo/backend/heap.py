"""Make the C library keep freed memory for the feature maps of the next pass.

glibc returns large freed blocks to the system, which clears each of their pages before
it provides them again. If a pass returns all its feature maps, as with `tap`, this can
take more than a tenth of the time of the pass.
"""

import contextlib
import ctypes
import functools
import os
import sys
import threading
from collections.abc import Iterator

_MEBI = 2**20
#: Parameters of mallopt(3), numbered as in malloc.h: their values while memory is kept,
#: and afterwards. glibc itself reaches the latter values once a block of 32 MiB was
#: freed.
_PARAMETERS = {
    -1: (-1, 64 * _MEBI),  # M_TRIM_THRESHOLD: never shorten the heap
    # M_TOP_PAD: twice the size of a thread's heap, so that none is released
    -2: (128 * _MEBI, 128 * 1024),
    -3: (32 * _MEBI, 32 * _MEBI),  # M_MMAP_THRESHOLD
    -4: (0, 65536),  # M_MMAP_MAX: no block has a mapping of its own
}
_LOCK = threading.Lock()
_open = 0


@contextlib.contextmanager
def keep_memory() -> Iterator[None]:
    """Keep freed memory for the next pass within the context.

    On Linux, JAX and PyTorch return the memory of large feature maps to the system
    after each pass and request it again; `benchmarks/activations.py` measures the cost.
    The setting belongs to the C library and applies to the whole process, which keeps
    all memory it has used until the context closes. The context does nothing if the C
    library is not glibc, or if the user has set glibc's environment variables
    (mallopt(3)).

    Example:
        >>> import keras
        >>> from keras_cnnzoo.inspect import keep_memory, tap
        >>> layers = [keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3)]
        >>> look = tap(keras.Sequential(layers))
        >>> with keep_memory():
        ...     maps = [look(keras.ops.ones((4, 8, 8, 1))) for _ in range(3)]
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    _change(libc, 1)
    try:
        yield
    finally:
        _change(libc, -1)


def _change(libc: ctypes.CDLL, by: int) -> None:
    """Open or close a context; only the first and the last one change the setting."""
    global _open
    with _LOCK:
        before, _open = _open, _open + by
        if before == 0:
            _set(libc, kept=True)
        elif _open == 0:
            _set(libc, kept=False)
            libc.malloc_trim(0)


def _set(libc: ctypes.CDLL, *, kept: bool) -> None:
    for parameter, (while_kept, after) in _PARAMETERS.items():
        libc.mallopt(parameter, while_kept if kept else after)


@functools.cache
def _glibc() -> ctypes.CDLL | None:
    chosen = any(name.startswith("MALLOC_") for name in os.environ)
    if chosen or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return None
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    return libc if hasattr(libc, "gnu_get_libc_version") else None
