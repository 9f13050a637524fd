"""InstrumentedConv2D: a Conv2D when off, and true numbers when on."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_cnnzoo import build
from keras_cnnzoo.inspect import instrument, set_record, statistics, sublayers
from keras_cnnzoo.layers import InstrumentedConv2D, ResidualBlock, record_maps


def _numpy(x):
    return ops.convert_to_numpy(x)


def _small(conv, **kwargs):
    return keras.Sequential(
        [keras.Input((9, 9, 3)), conv(4, 3, activation="relu", name="conv", **kwargs)]
    )


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.block = ResidualBlock(4, record="stats", name="block")
        self.pool = layers.GlobalAveragePooling2D()

    def call(self, x):
        return self.pool(self.block(x))


def _functional():
    inputs = keras.Input((6, 6, 3))
    inner = keras.Sequential(
        [keras.Input((6, 6, 3)), ResidualBlock(4, record="stats", name="block")]
    )
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(inner(inputs)))


def _sequential():
    block = ResidualBlock(4, record="stats", name="block")
    return keras.Sequential(
        [keras.Input((6, 6, 3)), block, layers.GlobalAveragePooling2D()]
    )


def _compiled_text(model, x):
    """Return the program that this backend compiles a model to, less its names."""
    if keras.backend.backend() == "jax":
        import jax

        def call(weights, x):
            return model.stateless_call(weights, [], x)[0]

        weights = [v.value for v in model.trainable_variables]
        return jax.jit(call).lower(weights, x).as_text()
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        graph = tf.function(model).get_concrete_function(tf.constant(x)).graph
        return [op.type for op in graph.get_operations()]
    import torch

    traced = torch.jit.trace(model, torch.tensor(x), check_trace=False)
    return [node.kind() for node in traced.inlined_graph.nodes()]


def test_off_compiles_to_the_graph_of_conv2d(rng):
    x = rng.normal(size=(2, 9, 9, 3)).astype("float32")
    plain, off = _small(layers.Conv2D), _small(InstrumentedConv2D)
    assert len(off.weights) == len(plain.weights)
    assert _compiled_text(off, x) == _compiled_text(plain, x)
    # JAX would run a model with an unbuilt layer in it eagerly, before each batch.
    assert all(layer.built for layer in sublayers(off))


def test_either_stands_for_the_other(rng):
    x = rng.normal(size=(2, 9, 9, 3)).astype("float32")
    plain, off = _small(layers.Conv2D), _small(InstrumentedConv2D)
    off.set_weights(plain.get_weights())
    np.testing.assert_array_equal(_numpy(off(x)), _numpy(plain(x)))


def test_statistics_equal_numpy_s(rng):
    model = _small(InstrumentedConv2D, record="stats")
    model.compile()
    batches = [rng.normal(size=(5, 9, 9, 3)).astype("float32") for _ in range(3)]
    maps = np.stack([model.predict(batch, verbose=0) for batch in batches])
    (seen,) = statistics(model).values()
    assert seen["calls"] == 3
    each = maps.mean((1, 2, 3)), maps.var((1, 2, 3)), (maps == 0).mean((1, 2, 3))
    for name, values in zip(("mean", "variance", "zeros"), each, strict=True):
        np.testing.assert_allclose(seen[name], values.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(seen["maximum"], maps.max((0, 1, 2, 3)), rtol=1e-5)


def test_a_sample_is_the_first_images():
    x = np.arange(4, dtype="float32").reshape(4, 1, 1, 1)
    one = {"use_bias": False, "kernel_initializer": "ones", "record": "stats"}
    for sample, peak in ((2, 1), (None, 3)):
        layer = InstrumentedConv2D(1, 1, sample=sample, **one)
        layer(x)
        assert layer.statistics.numpy()["maximum"] == peak


def test_old_batches_fade():
    layer = InstrumentedConv2D(
        1, 1, use_bias=False, kernel_initializer="ones", record="stats", momentum=0.5
    )
    for value in (0.0, 0.0, 8.0):
        layer(np.full((1, 2, 2, 1), value, "float32"))
    assert layer.statistics.numpy()["mean"] == pytest.approx(4.0)
    layer.statistics.reset()
    assert layer.statistics.numpy()["calls"] == 0


@pytest.mark.parametrize("make", [_functional, _sequential, Subclassed])
@pytest.mark.parametrize("jit", [False, True])
def test_live_in_fit_however_nested(make, jit, rng):
    if jit and keras.backend.backend() == "torch":
        jit = "auto"  # torch.compile needs a C++ compiler on the machine
    model = make()
    model.compile("sgd", "mse", jit_compile=jit)
    x, y = rng.normal(size=(8, 6, 6, 3)).astype("float32"), np.zeros((8, 4))
    model.fit(x, y, batch_size=4, epochs=2, verbose=0)
    seen = statistics(model)
    assert len(seen) == 3  # conv1, conv2 and the shortcut's
    for path, values in seen.items():
        assert "block" in path
        assert values["calls"] == 4
        assert np.isfinite(values["mean"]).all()
        assert (values["variance"] > 0).all()


def test_switches_in_a_compiled_model(rng):
    model = build("cifar_resnet20", instrument=True)
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = rng.uniform(0, 255, (2, 32, 32, 3)), np.zeros(2)
    model.fit(x, y, verbose=0)
    assert statistics(model) == {}
    assert set_record(model, "stats", "*stage2*") == 6
    model.fit(x, y, verbose=0)
    set_record(model, "off")
    model.fit(x, y, verbose=0)
    seen = statistics(model)
    assert len(seen) == 6
    assert all(values["calls"] == 1 for values in seen.values())
    with pytest.raises(ValueError, match="stem_conv"):
        set_record(model, "stats", "*stage9*")


def test_maps_are_the_layers_outputs(rng):
    model = instrument(build("cifar_resnet20", weights=None), record="maps")
    x = rng.uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    with record_maps() as maps:
        model(x)
    assert len(maps) == 19
    stem = keras.Model(model.input, model.get_layer("stem_conv").output)
    np.testing.assert_allclose(
        _numpy(maps["stem_conv"]), _numpy(stem(x)), rtol=1e-4, atol=1e-4
    )
    assert maps["stage3_block2/conv1"].shape == (2, 8, 8, 64)
    with record_maps() as nothing:
        pass
    assert nothing == {}


def test_each_call_of_a_shared_layer_is_kept():
    layer = InstrumentedConv2D(3, 1, record="maps", name="shared")
    with record_maps() as maps:
        layer(layer(np.ones((1, 2, 2, 3), "float32")))
    assert list(maps) == ["shared", "shared:1"]


def test_statistics_are_saved_and_plain_weights_start_fresh(rng, tmp_path):
    model = _sequential()
    x = rng.normal(size=(4, 6, 6, 3)).astype("float32")
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "stats.keras")
    revived = keras.saving.load_model(tmp_path / "stats.keras")
    assert statistics(revived)["block/conv1"]["calls"] == 1
    set_record(revived, "off")
    np.testing.assert_allclose(revived.predict(x, verbose=0), expected, rtol=1e-5)
    model.save_weights(tmp_path / "stats.weights.h5")
    quiet = _sequential()
    set_record(quiet, "off")
    quiet.load_weights(tmp_path / "stats.weights.h5")
    np.testing.assert_allclose(quiet.predict(x, verbose=0), expected, rtol=1e-5)


def test_bad_arguments_are_answered():
    with pytest.raises(ValueError, match="'off', 'stats', 'maps'"):
        InstrumentedConv2D(3, 1, record="all")
    with pytest.raises(ValueError, match="sample"):
        InstrumentedConv2D(3, 1, sample=0)
    with pytest.raises(ValueError, match="momentum"):
        InstrumentedConv2D(3, 1, momentum=1.0)
