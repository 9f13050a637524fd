"""instrument and plain: other layers, the same weights, the same answers."""

import keras
import numpy as np
import pytest
from keras import layers
from subjects import SUBJECTS

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


def test_there_and_back(large_once):
    _, model, about = large_once
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
        calls = [x for name, x in maps.items() if name.partition(":")[0] == path]
        assert values["calls"] == len(calls)
        expected = np.mean(calls, (0, 1, 2, 3))
        scale = np.abs(calls).max()
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
    seeing = instrument(model, record="maps")
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


def test_only_the_chosen_are_instrumented(nested):
    everywhere = list(find(instrument(nested), InstrumentedConv2D))
    assert everywhere == [
        *("inner/conv", "inner/block/conv1", "inner/block/conv2", "conv")
    ]
    one = instrument(nested, "inner/block/conv2")
    recording = {p: x.record for p, x in find(one, InstrumentedConv2D).items()}
    assert recording == {"inner/block/conv2": "stats"}
    block = instrument(nested, ResidualBlock, record="maps")
    recording = {p: x.record for p, x in find(block, InstrumentedConv2D).items()}
    assert recording == {"inner/block/conv1": "maps", "inner/block/conv2": "maps"}
    # Those that record already are left as they are.
    both = instrument(block, "conv")
    recording = {p: x.record for p, x in find(both, InstrumentedConv2D).items()}
    assert recording == {
        "inner/conv": "stats",
        "inner/block/conv1": "maps",
        "inner/block/conv2": "maps",
        "conv": "stats",
    }
    with pytest.raises(ValueError, match="matches 'cnv'"):
        instrument(nested, "cnv")
    with pytest.raises(ValueError, match=r"Conv2D, or holds one: inner/block/bn1"):
        instrument(nested, "inner/block/bn1")
    with pytest.raises(ValueError, match=r"^`record` is .*Received: 'all'"):
        instrument(nested, record="all")


def test_a_subclassed_model_trains_and_keeps_its_statistics(rng):
    model = SUBJECTS["subclassed"].build()
    x = SUBJECTS["subclassed"].images(4)
    seeing = instrument(model, "conv2")
    assert list(find(seeing, InstrumentedConv2D)) == ["conv2"]
    seeing.compile("sgd", "sparse_categorical_crossentropy")
    seeing.fit(x, np.arange(4), batch_size=2, verbose=0)
    # The layer is called twice in each of two steps.
    assert statistics(seeing)["conv2"]["calls"] == 4
    back = plain(seeing)
    assert not sublayers(back, InstrumentedConv2D)
    np.testing.assert_allclose(
        back.predict(x, verbose=0), seeing.predict(x, verbose=0), rtol=1e-5
    )


def test_records_are_switched_within_a_running_fit(nested, rng):
    x = rng.normal(size=(4, 6, 6, 3)).astype("float32")
    seeing = instrument(nested, record="off")
    seeing.compile("sgd", "mse")
    callback = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: set_record(seeing, ("stats", "off")[epoch])
    )
    seeing.fit(x, x, epochs=2, callbacks=[callback], verbose=0)
    assert {int(seen["calls"]) for seen in statistics(seeing).values()} == {1}


def test_a_class_that_cannot_copy_itself_is_told_so():
    class Stubborn(keras.Model):
        def __init__(self, conv):
            super().__init__(name="stubborn")
            self.conv = conv

        def call(self, x):
            return self.conv(x)

    model = Stubborn(layers.Conv2D(2, 3))
    model(np.ones((1, 5, 5, 1), "float32"))
    with pytest.raises(ValueError, match=r"'stubborn'.*Stubborn a `get_config`"):
        instrument(model)
