"""Memory that becomes free is kept as long as somebody wants it, and no longer."""

import ctypes
import gc
import pathlib
import resource
import sys

import pytest

from keras_cnnzoo.inspect.heap import keep_while

LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
MEBI = 2**20
SIZE = 96 * MEBI

pytestmark = pytest.mark.skipif(
    not hasattr(LIBC, "gnu_get_libc_version"), reason="the C library is not glibc"
)


class Owner:
    """Somebody who wants memory kept."""


@pytest.fixture
def environment():
    """Nobody wants memory kept, nor does the environment say anything of it."""
    gc.collect()
    LIBC.malloc_trim(0)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"):
            patch.delenv(name, raising=False)
        yield patch


def resident() -> int:
    """Return how much memory the process has now, in bytes."""
    pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def use_a_block() -> None:
    """Take a block of memory, write to all of it, and free it."""
    LIBC.malloc.restype = ctypes.c_void_p
    LIBC.malloc.argtypes = [ctypes.c_size_t]
    LIBC.free.argtypes = [ctypes.c_void_p]
    block = LIBC.malloc(SIZE)
    ctypes.memset(block, 1, SIZE)
    LIBC.free(block)


def test_memory_is_kept_as_long_as_an_owner_lives(environment):
    before = resident()
    use_a_block()
    assert resident() - before < SIZE / 4
    first, second = Owner(), Owner()
    keep_while(first)
    keep_while(first)
    keep_while(second)
    use_a_block()
    assert resident() - before > SIZE * 3 / 4
    del first
    use_a_block()
    assert SIZE * 3 / 4 < resident() - before < SIZE * 5 / 4
    del second
    assert resident() - before < SIZE / 4
    use_a_block()
    assert resident() - before < SIZE / 4


@pytest.mark.parametrize(
    ("name", "value"),
    [("MALLOC_TRIM_THRESHOLD_", "1000"), ("GLIBC_TUNABLES", "glibc.malloc.mxfast=1")],
)
def test_the_environment_has_the_say(environment, name, value):
    environment.setenv(name, value)
    before, owner = resident(), Owner()
    keep_while(owner)
    use_a_block()
    assert resident() - before < SIZE / 4
