"""instrument and plain: other layers, the same weights, the same answers."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_cnnzoo.inspect import (
    find,
    instrument,
    layer_paths,
    plain,
    set_record,
    statistics,
    sublayers,
    tap,
)
from keras_cnnzoo.layers import InstrumentedConv2D, ResidualBlock


def _weights(model):
    """Return weights by place, without what instrumented layers count."""
    return [w for w in model.weights if "statistics" not in w.path]


def _assert_same_weights(one, other):
    for ours, theirs in zip(_weights(one), _weights(other), strict=True):
        assert ours.path == theirs.path
        assert ours.trainable == theirs.trainable
        assert ours is not theirs
        np.testing.assert_array_equal(
            *(keras.ops.convert_to_numpy(w) for w in (ours, theirs))
        )


def test_there_and_back(subject):
    name, model, about = subject
    if name == "subclassed":
        for change in (instrument, plain):
            with pytest.raises(ValueError, match=r"'subclassed'.* `tap`"):
                change(model)
        return
    convolutions = {p for p, x in find(model, layers.Conv2D).items() if _exact(x)}
    seeing = instrument(model)
    assert set(find(seeing, InstrumentedConv2D)) == convolutions
    _assert_same_weights(seeing, model)
    back = plain(seeing)
    assert not sublayers(back, InstrumentedConv2D)
    _assert_same_weights(back, model)

    x = about.images()
    answers = model.predict(x, verbose=0)
    for copy in (seeing, back):
        np.testing.assert_allclose(
            copy.predict(x, verbose=0), answers, rtol=1e-4, atol=1e-6
        )
    seen = statistics(seeing)
    assert set(seen) == convolutions
    maps = tap(model, layers.Conv2D)(x)
    for path, values in seen.items():
        assert values["calls"] == 1
        expected = maps[path].mean((0, 1, 2))
        scale = np.abs(maps[path]).max()
        np.testing.assert_allclose(
            values["mean"] / scale, expected / scale, atol=1e-5, err_msg=path
        )


def _exact(layer):
    """Whether a layer is a convolution, and not of a class derived from it."""
    return type(layer) in (layers.Conv2D, InstrumentedConv2D)


@pytest.fixture
def nested():
    """Build two convolutions whose weights have the same path."""
    inputs = keras.Input((6, 6, 3))
    inner = keras.Input((6, 6, 3))
    x = layers.Conv2D(3, 1, name="conv")(inner)
    x = ResidualBlock(3, name="block")(x)
    x = keras.Model(inner, x, name="inner")(inputs)
    return keras.Model(inputs, layers.Conv2D(3, 1, name="conv")(x), name="outer")


def test_layers_are_told_apart_by_path(nested, rng):
    seeing = instrument(nested)
    x = rng.normal(size=(4, 6, 6, 3)).astype("float32")
    seeing.predict(x, verbose=0)
    means = {path: seen["mean"] for path, seen in statistics(seeing).items()}
    assert list(means) == [
        *("inner/conv", "inner/block/conv1", "inner/block/conv2", "conv")
    ]
    assert np.abs(means["inner/conv"] - means["conv"]).max() > 1e-3
    assert set_record(seeing, "off", "inner/block/*") == 2
    with pytest.raises(ValueError, match="inner/block/conv1"):
        set_record(seeing, "off", "outer/*")


def test_what_is_frozen_stays_frozen(nested):
    block = nested.get_layer("inner").get_layer("block")
    block.bn1.trainable = False
    nested.get_layer("conv").trainable = False
    for copy in (instrument(nested), plain(instrument(nested))):
        flags = {path: x.trainable for path, x in layer_paths(copy).items()}
        assert not flags["conv"]
        assert not flags["inner/block/bn1"]
        assert flags["inner/block/bn2"]
        _assert_same_weights(copy, nested)


def test_the_copy_trains_on_its_own(nested, rng):
    x = rng.normal(size=(4, 6, 6, 3)).astype("float32")
    before = nested.get_weights()
    seeing = instrument(nested)
    seeing.compile("sgd", "mse")
    seeing.fit(x, x, verbose=0)
    for old, now in zip(before, nested.get_weights(), strict=True):
        np.testing.assert_array_equal(old, now)
    back = plain(seeing)
    _assert_same_weights(back, seeing)
    assert back.get_layer("inner").get_layer("block").record is None


def test_a_shared_layer_stays_shared():
    shared = layers.Conv2D(3, 1, name="shared")
    inputs = keras.Input((4, 4, 3))
    model = keras.Model(inputs, shared(shared(inputs)))
    seeing = instrument(model, "maps")
    assert len(seeing.weights) == 2
    x = np.ones((1, 4, 4, 3), "float32")
    np.testing.assert_allclose(
        tap(seeing)(x)["shared:1"], tap(model)(x)["shared:1"], rtol=1e-5
    )


def test_a_sequential_without_a_size(rng):
    model = keras.Sequential([layers.Conv2D(2, 3, name="conv")])
    x = rng.normal(size=(2, 5, 5, 1)).astype("float32")
    answers = model.predict(x, verbose=0)
    np.testing.assert_allclose(
        instrument(model).predict(x, verbose=0), answers, rtol=1e-5
    )
