"""What asks for too much memory is refused before it is given any."""

import gzip
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from keras_cnnzoo.data import load
from keras_cnnzoo.data.adapt import Adapter
from keras_cnnzoo.data.bounds import Room
from keras_cnnzoo.data.decode import decode

pytestmark = pytest.mark.once
#: Load each data set, take a batch, and print by how many MB the memory had grown.
MEASURE = """
import resource, sys, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from keras_cnnzoo.data import load
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
load("digits").train[0]
for path in sys.argv[1:]:
    before, answer = peak(), "read"
    try:
        load(Path(path), image_size=32, batch_size=8, validation=0).train[0]
    except ValueError as error:
        answer = str(error)
    print(round(peak() - before), answer)
"""


def _images(home, mode, name, side=9400, **options):
    home.mkdir(parents=True)
    Image.new(mode, (side, side)).save(home / name, **options)
    for number in range(5):
        (home / f"{number}{name}").hardlink_to(home / name)


def _arrays(path):
    images, labels = np.zeros((300, 1000, 1000), "uint8"), np.zeros(300, int)
    np.savez_compressed(path, x_train=images, y_train=labels)


def _idx(folder):
    folder.mkdir()
    head = bytes([0, 0, 8, 3]) + np.array([300, 1000, 1000], ">u4").tobytes()
    with gzip.open(folder / "train-images-idx3-ubyte.gz", "wb", 1) as file:
        file.write(head)
        for _ in range(300):
            file.write(bytes(1_000_000))
    labels = bytes([0, 0, 8, 1]) + np.array([300], ">u4").tobytes() + bytes(300)
    (folder / "train-labels-idx1-ubyte").write_bytes(labels)


def test_bombs_are_refused_before_they_take_memory(tmp_path):
    _images(tmp_path / "png" / "a", "RGB", "a.png")
    _images(tmp_path / "tiff" / "a", "L", "a.tiff", compression="tiff_deflate")
    _images(tmp_path / "gif" / "a", "P", "a.gif")
    _images(tmp_path / "webp" / "a", "RGB", "a.webp", 5200, lossless=True, method=0)
    _arrays(tmp_path / "arrays.npz")
    _idx(tmp_path / "idx")
    names = ("png", "tiff", "gif", "webp", "arrays.npz", "idx")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *(str(tmp_path / name) for name in names)],
        # No backend takes part, and this one starts at once.
        env=os.environ | {"KERAS_BACKEND": "numpy"},
        capture_output=True,
        text=True,
        check=True,
    )
    answers = done.stdout.splitlines()
    assert len(answers) == len(names)
    for line in answers:
        grown, _, answer = line.partition(" ")
        assert "decompression bomb" in answer
        assert int(grown) < 100


def test_a_progressive_jpeg_is_a_bomb_too(tmp_path):
    path = tmp_path / "a.jpg"
    Image.new("L", (5000, 5000)).save(path, progressive=True)
    with pytest.raises(ValueError, match="decompression bomb"):
        decode(path)


def test_an_array_that_declares_more_than_it_holds_is_refused(tmp_path):
    path = tmp_path / "liar.npz"
    with zipfile.ZipFile(path, "w") as file, file.open("x_train.npy", "w") as array:
        header = {"descr": "|u1", "fortran_order": False, "shape": (10**7, 100, 100)}
        np.lib.format.write_array_header_1_0(array, header)
        array.write(bytes(100))
    with pytest.raises(ValueError, match="holds 100 bytes"):
        load(path)


def test_long_strips_are_cropped_before_they_are_scaled(rng):
    strip = rng.integers(0, 256, (4, 300, 3), "uint8")
    size = (32, 32)
    # Mended by cropping first, where the whole would be 36 x 2,700 pixels.
    got = Adapter(size, 3, "crop").one(strip)
    scaled = Image.fromarray(strip).resize((2700, 36), Image.Resampling.BILINEAR)
    left = round((2700 - 32) / 2)
    whole = np.asarray(scaled)[2:34, left : left + 32]
    assert np.abs(got.astype(int) - whole).max() <= 1
    adapter, huge = Adapter((224, 224), 1, "crop"), np.zeros((1, 60_000, 1), "uint8")
    for strip in (huge, huge.swapaxes(0, 1)):
        assert adapter.one(strip).shape == (224, 224, 1)


def test_room_is_shared_and_given_back():
    room = Room(10)
    with room.take(4), room.take(6):
        assert room._left == 0
    with room.take(50):  # more than there is takes all
        assert room._left == 0
    with pytest.raises(RuntimeError), room.take(3):
        raise RuntimeError
    assert room._left == 10
