"""Have the C library keep the memory that maps leave, for the maps of the next pass.

glibc hands large blocks back to the system as they become free, and the system clears
each of their pages anew before it lends it again. Where a pass leaves all its maps, as
a tap's does, that can take longer than a tenth of the pass itself.
"""

import ctypes
import functools
import os
import sys
import weakref
from typing import Any

_MEBI = 2**20
#: Parameters of mallopt(3), by malloc.h: their value while memory is kept, and after.
#: The latter is where glibc arrives by itself as soon as a block of 32 MiB was freed.
_PARAMETERS = {
    -1: (-1, 64 * _MEBI),  # M_TRIM_THRESHOLD: never shorten the heap
    # M_TOP_PAD: two of the heaps that threads have, so that none is given up
    -2: (128 * _MEBI, 128 * 1024),
    -3: (32 * _MEBI, 32 * _MEBI),  # M_MMAP_THRESHOLD
    -4: (0, 65536),  # M_MMAP_MAX: no block has a mapping of its own
}
_owners: set[int] = set()


def keep_while(owner: Any) -> None:
    """Have memory that becomes free kept by this process, as long as `owner` lives.

    It serves all further allocations of the process, and goes back to the system when
    the last owner has gone. Nothing happens where the C library is not glibc, or where
    its environment variables (mallopt(3)) say what the user wants.
    """
    if id(owner) in _owners or not (libc := _glibc()):
        return
    _owners.add(id(owner))  # first, as another may go meanwhile
    _set(libc, kept=True)
    weakref.finalize(owner, _let_go, libc, id(owner)).atexit = False


def _let_go(libc: ctypes.CDLL, owner: int) -> None:
    _owners.remove(owner)
    if not _owners:
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
