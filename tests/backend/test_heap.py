"""Memory that becomes free is kept where the user asks for it, and not longer."""

import ctypes
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_cnnzoo.backend import heap
from keras_cnnzoo.inspect import activations, tap

LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
#: A process without a past prints how much memory it has after each step, in blocks.
STEPS = """
import ctypes, pathlib, resource
from keras_cnnzoo.backend.heap import keep_memory

libc, size = ctypes.CDLL(None), 96 * 2**20
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]

def resident():
    pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()

def use_a_block():
    block = libc.malloc(size)
    ctypes.memset(block, 1, size)
    libc.free(block)

def tell():
    print(round((resident() - before) / size))

before = resident()
use_a_block(), tell()
with keep_memory():
    with keep_memory():
        use_a_block(), tell()
    use_a_block(), tell()
tell()
use_a_block(), tell()
"""
KEPT, NOTHING_KEPT = [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]


@pytest.mark.once
@pytest.mark.skipif(
    not hasattr(LIBC, "gnu_get_libc_version"), reason="the C library is not glibc"
)
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, KEPT),
        ({"MALLOC_ARENA_MAX": "8"}, NOTHING_KEPT),
        ({"GLIBC_TUNABLES": "glibc.malloc.arena_max=8"}, NOTHING_KEPT),
    ],
)
def test_is_kept_within_the_context_unless_the_environment_says(said, expected):
    clean = {name: x for name, x in os.environ.items() if "MALLOC" not in name}
    told = subprocess.run(
        [sys.executable, "-c", STEPS],
        env=clean | said,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [int(line) for line in told.stdout.split()] == expected


@pytest.mark.once
def test_no_pass_changes_the_process_by_itself(monkeypatch):
    monkeypatch.setattr(heap, "_glibc", lambda: pytest.fail("the process was changed"))
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(1, 3)])
    look, x = tap(model), np.ones((1, 4, 4, 1))
    look(x), look(x), activations(model, x)
