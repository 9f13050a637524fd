"""A process that is forked after images were decoded decodes images too."""

import multiprocessing
import os

import numpy as np
import pytest
from PIL import Image

from keras_cnnzoo.data import load

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    # JAX and Python warn of what a fork may do to their own threads.
    pytest.mark.filterwarnings("ignore:.*fork:"),
]


@pytest.fixture
def images(tmp_path, rng):
    for number in range(8):
        home = tmp_path / "photos" / "ab"[number % 2]
        home.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (12, 10, 3), "uint8")
        Image.fromarray(pixels).save(home / f"{number}.png")
    splits = load(tmp_path / "photos", image_size=8, batch_size=4, validation=0)
    return splits.train.ordered()


def test_a_forked_process_decodes(images, tmp_path):
    images[0]  # its threads are there now, and stay behind
    images.examples._kept.clear()

    def child():
        np.save(tmp_path / "child.npy", images[0][0])

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(20)
    hangs = process.is_alive()
    process.kill()
    assert not hangs
    np.testing.assert_array_equal(np.load(tmp_path / "child.npy"), images[0][0])


def test_a_forking_loader_reads_every_batch(images):
    torch = pytest.importorskip("torch")
    expected = [pixels for pixels, _ in images]
    images.examples._kept.clear()
    loader = torch.utils.data.DataLoader(
        images, batch_size=None, num_workers=2, multiprocessing_context="fork"
    )
    iterator = iter(loader)
    for place, pixels in enumerate(expected):
        np.testing.assert_array_equal(np.asarray(next(iterator)[0]), pixels)
        assert place < len(images)
