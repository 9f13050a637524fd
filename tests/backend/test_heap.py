"""Memory that becomes free is kept as long as somebody wants it, and no longer."""

import ctypes
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_cnnzoo.inspect import tap

LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
#: A process without a past prints how much memory it has after each step, in blocks.
STEPS = """
import ctypes, pathlib, resource
from keras_cnnzoo.backend.heap import keep_while

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

class Owner: pass

def tell():
    print(round((resident() - before) / size))

before = resident()
use_a_block(), tell()
first, second = Owner(), Owner()
keep_while(first), keep_while(first), keep_while(second)
use_a_block(), tell()
del first
use_a_block(), tell()
del second
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
def test_is_kept_as_long_as_an_owner_lives_unless_the_user_says(said, expected):
    clean = {name: x for name, x in os.environ.items() if "MALLOC" not in name}
    told = subprocess.run(
        [sys.executable, "-c", STEPS],
        env=clean | said,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [int(line) for line in told.stdout.split()] == expected


def test_a_tap_that_is_called_again_wants_it(monkeypatch):
    owners = []
    look = tap(keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(1, 3)]))
    module = sys.modules[type(look).__module__]
    monkeypatch.setattr(module, "keep_while", owners.append)
    look(np.ones((1, 4, 4, 1)))
    assert not owners
    look(np.ones((1, 4, 4, 1)))
    # TensorFlow keeps memory by itself.
    assert owners == ([] if keras.backend.backend() == "tensorflow" else [look])
