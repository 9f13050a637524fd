"""What was changed inside our layers is there again after saving, and in clones."""

import keras
import numpy as np
import pytest
from keras import layers as kl
from keras import ops

from keras_cnnzoo import build
from keras_cnnzoo.inspect import statistics
from keras_cnnzoo.layers import (
    ConvolutionalBlockAttention,
    EfficientChannelAttention,
    HighwayBlock,
    InstrumentedConv2D,
    ResidualBlock,
    SplitAttention,
    SqueezeExcite,
)

SHAPE = (8, 8, 8)


def _model(*layers):
    return keras.Sequential([keras.Input(SHAPE), *layers])


def _functional_body():
    inputs = keras.Input(SHAPE)
    x = kl.Conv2D(8, 3, padding="same", name="inside")(inputs)
    return keras.Model(inputs, kl.ReLU()(x))


COMPOSED = {
    "squeeze": lambda: SqueezeExcite(ratio=0.5),
    "cbam": lambda: ConvolutionalBlockAttention(ratio=0.5),
    "split": lambda: SplitAttention(splits=2, hidden=4),
    "gate": lambda: ResidualBlock(8, gate="se", strides=2, shortcut="average"),
    "own gate": lambda: ResidualBlock(8, gate=SqueezeExcite(ratio=0.5)),
    "own body": lambda: ResidualBlock(body=[kl.Dense(8), SqueezeExcite(ratio=0.5)]),
    "nested": lambda: ResidualBlock(body=ResidualBlock(8, gate="cbam")),
    "dropout": lambda: ResidualBlock(8, gate="se", dropout=0.1, drop_path=0.1),
}
BODIES = {
    "layer": lambda: kl.Conv2D(8, 3, padding="same"),
    "depthwise": lambda: kl.DepthwiseConv2D(3, padding="same"),
    "list": lambda: [kl.Conv2D(8, 3, padding="same"), kl.BatchNormalization()],
    "tuple": lambda: (kl.Conv2D(8, 3, padding="same"), kl.ReLU()),
    "sequential": lambda: keras.Sequential([kl.Conv2D(8, 3, padding="same")]),
    "functional": _functional_body,
    "block": lambda: ResidualBlock(8),
    "gate": lambda: SqueezeExcite(ratio=0.5),
}


def _images():
    return np.random.default_rng(0).normal(size=(2, *SHAPE)).astype("float32")


def _same(model, twin, x):
    twin.set_weights(model.get_weights())
    np.testing.assert_allclose(
        twin.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-4, atol=1e-5
    )


@pytest.mark.once
@pytest.mark.filterwarnings("ignore:.*quantize")
def test_quantised_models_load_in_a_fresh_process(revived):
    def rows():
        for name, mode in [
            *((name, "int8") for name in ("cbam", "split", "gate", "own body")),
            *(("squeeze", mode) for mode in ("int4", "float8")),
        ]:
            model = _model(COMPOSED[name]())
            model.quantize(mode)
            yield f"{name}_{mode}".replace(" ", "_"), model, _images()

    for name, before, after in revived(rows()):
        np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.filterwarnings("ignore:.*quantize")
@pytest.mark.parametrize("mode", ["int8", "int4"])
@pytest.mark.parametrize("name", COMPOSED)
def test_quantised_layers_are_cloned(name, mode):
    model = _model(COMPOSED[name]())
    model.quantize(mode)
    twin = keras.models.clone_model(model)
    assert [w.dtype for w in twin.weights] == [w.dtype for w in model.weights]
    _same(model, twin, _images())


@pytest.mark.once
@pytest.mark.filterwarnings("ignore:.*quantize")
def test_fresh_networks_are_quantised():
    for name in ("resnet18", "resnet18d"):
        model = build(name, input_shape=(32, 32, 3), classes=4, blocks=(1, 1, 1, 1))
        model.quantize("int8")
        assert any("int8" in str(w.dtype) for w in model.weights)


def test_other_changes_inside_are_kept(tmp_path):
    model = _model(COMPOSED["gate"](), HighwayBlock(), EfficientChannelAttention())
    block, highway, attention = model.layers
    block.conv1.enable_lora(2)
    block._gate.fc1.enable_lora(2)
    highway.gate.trainable = False
    attention.conv.activation = keras.activations.tanh
    model.save(tmp_path / "model.keras")
    for twin in (
        keras.models.load_model(tmp_path / "model.keras"),
        keras.models.clone_model(model),
    ):
        assert twin.layers[0].conv1.lora_enabled
        assert not twin.layers[1].gate.trainable
        assert twin.layers[1].conv.trainable
        assert len(twin.trainable_weights) == len(model.trainable_weights)
        _same(model, twin, _images())
        assert twin.layers[0].get_config() == block.get_config()


@pytest.mark.once
@pytest.mark.parametrize("name", COMPOSED)
def test_unchanged_layers_add_nothing_to_their_config(name):
    model = _model(COMPOSED[name]())
    assert "inner" not in model.layers[0].get_config()
    model.trainable = False
    assert "inner" not in model.layers[0].get_config()


@pytest.mark.once
def test_a_block_of_any_body_loads_in_a_fresh_process(revived):
    rows = (
        (name, _model(ResidualBlock(body=make())), _images())
        for name, make in BODIES.items()
    )
    for name, before, after in revived(rows):
        np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("name", BODIES)
def test_a_block_of_any_body_is_cloned(name):
    model = _model(ResidualBlock(body=BODIES[name](), gate="eca"))
    _same(model, keras.models.clone_model(model), _images())
    block = model.layers[0]
    twin = ResidualBlock.from_config(block.get_config())
    assert twin.get_config() == block.get_config()


def _conv_net(kind):
    inputs = keras.Input(SHAPE)
    x = kind(4, 3, padding="same")(inputs)
    x = kl.Conv2D(4, 3, padding="same")(x)
    x = kind(8, 3, padding="same")(x)
    record = {kl.Conv2D: {}, InstrumentedConv2D: {"record": "off"}}[kind]
    x = ResidualBlock(8, **record)(x)
    x = ResidualBlock(body=[kind(8, 1), kl.ReLU(), kind(8, 1)])(x)
    inner = keras.Sequential([keras.Input(SHAPE), kind(8, 1), kl.ReLU()])
    return keras.Model(inputs, inner(x))


@pytest.mark.parametrize("statistics_on", [False, True])
def test_weight_files_fit_with_and_without_recording(statistics_on, tmp_path):
    x = _images()
    plain, recording = _conv_net(kl.Conv2D), _conv_net(InstrumentedConv2D)
    if statistics_on:
        for layer in recording.layers:
            if isinstance(layer, InstrumentedConv2D):
                layer.record = "stats"
        recording.predict(x, verbose=0)
        assert len(statistics(recording)) == 2
    for source, target in ((plain, recording), (recording, plain)):
        source.save_weights(tmp_path / "some.weights.h5")
        source.set_weights([w + 0.01 for w in source.get_weights()])
        source.save_weights(tmp_path / "some.weights.h5")
        target.load_weights(tmp_path / "some.weights.h5")
        np.testing.assert_allclose(
            target.predict(x, verbose=0), source.predict(x, verbose=0), rtol=1e-5
        )


@pytest.mark.parametrize(
    ("name", "shape", "more"),
    [
        ("lenet5", (32, 32, 1), {}),
        ("resnet18", (32, 32, 3), {"blocks": (1, 1, 1, 1)}),
        ("vgg11", (32, 32, 3), {"units": (8, 8)}),
    ],
)
def test_weight_files_of_instrumented_networks_fit(name, shape, more, tmp_path):
    size = {"input_shape": shape, "classes": 3} | more
    path = tmp_path / "some.weights.h5"
    x = np.zeros((1, *shape), "float32")
    for source, target in ((False, True), (True, False)):
        model = build(name, **size, instrument=source)
        model.save_weights(path)
        twin = build(name, **size, instrument=target)
        twin.load_weights(path)
        np.testing.assert_allclose(
            ops.convert_to_numpy(twin(x)), ops.convert_to_numpy(model(x)), rtol=1e-5
        )


def test_an_empty_batch_changes_no_statistics():
    layer = InstrumentedConv2D(2, 1, record="stats")
    for size in (0, 3, 0):
        layer(np.ones((size, 4, 4, 1), "float32"))
        layer(np.ones((2, 4, 4, 1), "float32")[:0])
    seen = layer.statistics.numpy()
    assert seen["calls"] == 1
    assert all(np.isfinite(value).all() for value in seen.values())
    model = keras.Sequential([keras.Input((4, 4, 1)), layer])
    model.compile()
    for size in (2, 0, 2):
        model.predict_on_batch(np.ones((size, 4, 4, 1), "float32"))
    after = layer.statistics.numpy()
    assert after["calls"] == 3
    np.testing.assert_allclose(after["mean"], seen["mean"], rtol=1e-5)
    assert repr(layer).startswith("<InstrumentedConv2D ")
