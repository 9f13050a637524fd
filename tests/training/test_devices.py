"""Several devices learn what one does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from small_training import few_digits, train_small

from keras_cnnzoo import data
from keras_cnnzoo.data.share import Share
from keras_cnnzoo.training.devices import Devices, open_devices

SCRIPT = Path(__file__).with_name("on_devices.py")


def _run(what, folder):
    """Run a function of the script on devices that a CPU simulates for JAX."""
    devices = "--xla_force_host_platform_device_count=4"
    environment = {
        "KERAS_BACKEND": "jax",
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {devices}",
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPT), what, str(folder)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return _run("simulated", tmp_path_factory.mktemp("runs"))


@pytest.mark.once
def test_fit_on_four_devices_has_the_losses_of_one(tmp_path):
    found = _run("fitted", tmp_path)
    np.testing.assert_allclose(found["4"], found["1"], rtol=0, atol=1e-5)


def _assert_near(curve, other):
    assert len(curve) == len(other) == 2
    for row, expected in zip(curve, other, strict=True):
        assert row == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
@pytest.mark.once
def test_the_loss_curve_is_that_of_one_device(simulated):
    _assert_near(simulated["on 4"][0], simulated["on 1"][0])


@pytest.mark.slow
@pytest.mark.once
def test_a_killed_training_on_several_devices_ends_as_an_undisturbed_one(simulated):
    assert simulated["resumed on 4"] == simulated["on 4"]


@pytest.mark.slow
@pytest.mark.once
def test_a_training_may_go_on_on_another_number_of_devices(simulated):
    curve, _, devices = simulated["resumed on 1"]
    _assert_near(curve, simulated["on 4"][0])
    assert devices == 1


@pytest.mark.once
@pytest.mark.parametrize("shuffle", [False, True])
def test_shares_are_disjoint_and_complete(shuffle):
    images, labels = few_digits()["train"]
    loaded = data.load(
        {"train": (images, labels)}, batch_size=40, augment="digits", validation=0
    ).train
    whole = loaded if shuffle else loaded.ordered()
    parts = [whole.shared(Share(index, 2, 4)) for index in range(2)]
    for index in range(len(whole)):
        pixels, answers = whole[index]
        split = [part[index] for part in parts]
        np.testing.assert_array_equal(np.concatenate([p for p, _ in split]), pixels)
        np.testing.assert_array_equal(np.concatenate([a for _, a in split]), answers)


@pytest.mark.once
def test_a_batch_that_devices_cannot_share_is_read_whole():
    images, labels = few_digits()["train"]
    whole = data.load(
        {"train": (images[:50], labels[:50])}, batch_size=20, validation=0
    ).train
    for index in range(2):
        part = whole.shared(Share(index, 2, 4))
        part.on_epoch_begin()
        taken = [(len(part[step][1]), part.is_whole) for step in range(len(part))]
        assert taken == [(10, False), (10, False), (10, True)]


@pytest.mark.once
def test_a_share_of_a_mixed_batch_is_mixed_with_images_of_the_others():
    def mix(images, labels, rng):
        return images[::-1].copy(), labels + rng.integers(100, size=len(labels))

    images, labels = few_digits()["train"]
    whole = data.load(
        {"train": (images, labels)}, batch_size=40, mix=mix, validation=0
    ).train
    split = [whole.shared(Share(index, 2, 2))[1] for index in range(2)]
    for place, whole_part in enumerate(whole[1]):
        np.testing.assert_array_equal(
            np.concatenate([part[place] for part in split]), whole_part
        )


@pytest.mark.once
def test_what_cannot_be_is_said_with_the_way_that_works(tmp_path):
    with pytest.raises(ValueError, match=r"share a batch of 100.*96 or 104"):
        Devices(8).check(100)
    with pytest.raises(ValueError, match=r"`batch_size` to 8\."):
        Devices(8).check(4)
    with pytest.raises(ValueError, match="at least 1"):
        open_devices(0)
    assert open_devices(None).count == open_devices(1).count == 1


def test_the_backend_says_what_to_do_for_more_devices(tmp_path):
    message = {
        "jax": "--xla_force_host_platform_device_count=64",
        "tensorflow": "MirroredStrategy.*KERAS_BACKEND=jax",
        "torch": "PyTorch.*KERAS_BACKEND=jax",
    }[keras.backend.backend()]
    with pytest.raises(ValueError, match=message):
        train_small(few_digits(), out=tmp_path, devices=64)
