"""How fast networks are: what is measured, beside whom, and what cannot be measured."""

import importlib.util
import statistics
import time

import keras
import numpy as np
import pytest
from torch_references import reference

from keras_cnnzoo import bench, build
from keras_cnnzoo.backend import device
from keras_cnnzoo.bench import networks, others, turns
from keras_cnnzoo.bench.contender import Task, keras_contender
from keras_cnnzoo.bench.matrix import matrix_product, operations
from keras_cnnzoo.bench.speed import speed_row
from keras_cnnzoo.inspect import count_params


@pytest.fixture(autouse=True)
def _little(monkeypatch):
    """Measure as little as possible."""
    monkeypatch.setattr(turns, "AT_LEAST", 1e-9)
    monkeypatch.setattr(networks, "matrix_product", lambda d: matrix_product(d, (64,)))


@pytest.fixture
def tiny():
    """A network of one image size, and what it gets."""
    task = Task.draw(2, (32, 32, 3), 10, "float32")
    model = build("mlp", input_shape=(32, 32, 3), classes=10, hidden=[8])
    return model, task


def test_forward_and_training_are_measured():
    speed = bench.measure_speed(["lenet5"], batch_size=2, image_size=36, rounds=3)
    forward, training = speed.rows
    assert (forward.step, training.step) == ("forward", "training")
    for row in (forward, training):
        assert row.images_per_second == pytest.approx(2e3 / row.milliseconds)
        assert row.share_of_peak > 0
        assert row.times_first == 1
    model = build("lenet5", input_shape=(36, 36, 1))
    if forward.memory is not None:  # all but Linux's CPUs and GPUs
        assert forward.memory >= 4 * count_params(model)
        assert training.memory >= 2 * 4 * count_params(model)
    assert speed.backend == keras.backend.backend()
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.once
def test_a_row_summarises_the_rounds():
    """A network of 10 multiply-accumulates, where matrices reach 1000 operations."""
    row = speed_row(
        ("net", "ours", "training"),
        [0.5, 0.25, 1.0],
        [0.25, 0.25, 0.25],
        [1000.0, 2000.0, 500.0],
        batch_size=4,
        macs=10,
        memory=None,
    )
    assert (row.milliseconds, row.images_per_second) == (500, 8)
    assert row.times_first == 2
    # 2 x 3 x 10 x 4 operations: in each round 480, 960 and 240 a second.
    assert row.share_of_peak == pytest.approx(0.48)
    assert row.noise == pytest.approx((0.75 - 0.375) / 2 / 0.5)


def test_a_training_step_is_one_step_of_fit(tiny):
    model, task = tiny
    contender = keras_contender("tiny", "ours", model, task)
    before = model.get_weights()
    assert contender.passes["training"](3) > 0
    assert int(model.optimizer.iterations) == 3
    assert any(np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True))
    contender.passes["forward"](2)
    assert int(model.optimizer.iterations) == 3


def test_layers_compute_in_the_precision(monkeypatch):
    built = []
    plain = networks.zoo.build

    def noted(*args, **kwargs):
        built.append(plain(*args, **kwargs))
        return built[0]

    monkeypatch.setattr(networks.zoo, "build", noted)
    speed = bench.measure_speed(
        ["lenet5"], batch_size=2, precision="bfloat16", rounds=1
    )
    assert speed.rows[0].noise == 0
    assert built[0].get_layer("c1").compute_dtype == "bfloat16"
    assert built[0].get_layer("c1").kernel.dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.once
def test_alternatives_are_timed_in_turn():
    calls = []

    def steps(name, seconds):
        def step():
            calls.append(name)
            time.sleep(seconds)

        return turns.timed(step, lambda: None)

    short, long = turns.time_in_turn([steps("a", 0.005), steps("b", 0.02)], 3)
    assert calls == ["a", "b"] * 4
    assert statistics.median(short) == pytest.approx(0.005, rel=0.5)
    assert statistics.median(long) == pytest.approx(0.02, rel=0.5)


@pytest.mark.once
def test_spread_is_half_the_distance_of_the_quartiles():
    values = np.random.default_rng(0).normal(5, 1, 101)
    first, median, third = np.percentile(values, [25, 50, 75])
    assert turns.spread(list(values)) == pytest.approx((third - first) / 2 / median)
    assert turns.spread([3.0]) == 0


@pytest.mark.once
def test_the_largest_matrices_are_taken_if_all_are_quick():
    side, product = matrix_product("float32", (8, 16))
    assert side == 16
    assert product(2) > 0
    assert operations(16) == 2 * 16**3


@pytest.mark.once
@pytest.mark.skipif(device.free_memory() is None, reason="the system does not say so")
def test_memory_of_a_call_is_its_peak():
    size = 64 * 2**20
    taken = device.allocated_by(lambda: np.ones(size, "uint8").sum())
    assert taken == pytest.approx(size, rel=0.2)
    assert device.allocated_by(lambda: None) < 2**20


def _beside(name, library, size=32):
    task = Task.draw(2, (size, size, 3), 10, "float32")
    model = build(
        name,
        input_shape=(size, size, 3),
        classes=10,
        classifier_activation=None,
    )
    ours = keras_contender(name, "ours", model, task)
    return ours, others.other(library, ours, task)


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "library", "theirs"),
    [
        ("lcnet_050", "timm", "lcnet_050"),
        ("resnet18", "torchvision", "resnet18"),
        ("mobilenet_v2", "keras", "MobileNetV2"),
    ],
)
def test_the_same_network_of_another_library(name, library, theirs):
    if library != "keras":
        reference(library)
    ours, other = _beside(name, library)
    assert other.name == theirs
    assert other.params == ours.params
    assert other.macs == ours.macs
    assert other.passes["forward"](1) > 0
    assert other.passes["training"](1) > 0
    assert other.held["training"]() > other.held["forward"]() >= 4 * other.params


@pytest.mark.once
def test_who_has_no_such_network_is_told(monkeypatch):
    def absent(ours, task):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setitem(others._MAKERS, "timm", absent)
    speed = bench.measure_speed(
        ["mlp"], batch_size=1, rounds=1, beside=["keras", "timm"]
    )
    assert len(speed.rows) == 2
    assert speed.absent == {
        "mlp of Keras Applications": "Keras Applications has no such network",
        "mlp of timm": "operator torchvision::nms does not exist",
    }


@pytest.mark.once
@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is missing")
def test_timm_has_no_lenet():
    reference("timm")
    with pytest.raises(LookupError, match="timm has no such network"):
        _beside("mlp", "timm")


@pytest.mark.once
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"batch_size": 0}, "`batch_size` is at least 1. Received: 0"),
        ({"image_size": -1}, "`image_size` is at least 1. Received: -1"),
        ({"rounds": 0}, "`rounds` is at least 1"),
        ({"precision": "int8"}, "one of float32, bfloat16, float16. Received: 'int8'"),
        ({"beside": ["tim"]}, "no library 'tim'.* keras, timm, torchvision"),
    ],
)
def test_wrong_arguments_are_named(arguments, says):
    with pytest.raises(ValueError, match=says):
        bench.measure_speed(["lenet5"], **arguments)


@pytest.mark.once
def test_what_does_not_fit_into_memory_is_not_tried(monkeypatch):
    monkeypatch.setattr(networks, "free_memory", lambda: 2**16)
    with pytest.raises(ValueError, match=r"lenet5 needs about .* batch of 4, and 64.0"):
        bench.measure_speed(["lenet5"], batch_size=4)


class OutOfMemoryError(RuntimeError):
    """What PyTorch raises has this name."""


@pytest.mark.once
@pytest.mark.parametrize(
    "error",
    [
        OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB"),
        ValueError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_short_memory_is_one_kind_of_error(error, monkeypatch):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(networks.zoo, "build", fail)
    with pytest.raises(ValueError, match="does not suffice for lenet5 with a batch of"):
        bench.measure_speed(["lenet5"])


@pytest.mark.once
def test_other_errors_are_not_taken_for_it(monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("something else")

    monkeypatch.setattr(networks.zoo, "build", fail)
    with pytest.raises(RuntimeError, match="something else"):
        bench.measure_speed(["lenet5"])
