"""What is frozen stands still, on every backend, and what is not learns."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_cnnzoo
from keras_cnnzoo.layers import ResidualBlock
from keras_cnnzoo.training import freeze, unfreeze


def _base():
    """A convolution, a batch norm and a block with batch norms inside."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(inputs)
    x = layers.BatchNormalization(momentum=0.5, name="bn")(x)
    x = ResidualBlock(4, name="block")(x)
    return keras.Model(inputs, x, name="base")


def _with_head(base, inputs, x):
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(2, name="head")(x)
    return keras.Model(inputs, layers.Softmax(name="softmax")(x))


def _flat():
    base = _base()
    return _with_head(base, base.input, base.output)


def _nested(**call):
    base = _base()
    inputs = keras.Input((8, 8, 3))
    return _with_head(base, inputs, base(inputs, **call))


def _sequential():
    tail = [layers.GlobalAveragePooling2D(), layers.Dense(2, name="head")]
    return keras.Sequential([_base(), *tail, layers.Softmax()])


MODELS = {
    "flat": _flat,
    "nested": _nested,
    # The guides' recipe; the statistics of an unfrozen base move nevertheless.
    "nested in inference": lambda: _nested(training=False),
    "sequential": _sequential,
}
each_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)


def _fit(model):
    """Fit one epoch; return the names of the weights that moved."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(3, 2, (32, 8, 8, 3)), rng.integers(0, 2, 32)
    before = [keras.ops.convert_to_numpy(w).copy() for w in model.weights]
    model.fit(x, y, batch_size=8, verbose=0)
    return {
        w.path.removeprefix(f"{model.name}/").removeprefix("base/")
        for w, was in zip(model.weights, before, strict=True)
        if not np.array_equal(keras.ops.convert_to_numpy(w), was)
        and "seed_generator" not in w.path
    }


def _compile(model):
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.8), "sparse_categorical_crossentropy"
    )
    return model


@each_model
def test_only_the_head_moves(make):
    model = _compile(freeze(make()))
    assert _fit(model) == {"head/kernel", "head/bias"}


@each_model
def test_freezing_after_compile_keeps_the_settings(make):
    model = _compile(make())
    _fit(model)
    assert freeze(model) is model
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1)
    assert model.optimizer.momentum == 0.8
    assert _fit(model) == {"head/kernel", "head/bias"}


@each_model
def test_everything_moves_again(make):
    model = unfreeze(freeze(_compile(make())))
    moved = _fit(model)
    assert {"conv/kernel", "head/bias", "bn/moving_mean"} <= moved
    assert any("block" in path and "moving_variance" in path for path in moved)


@each_model
def test_layers_from_upto_on_are_left(make):
    # In nested models the layer is one of the inner ones.
    model = _compile(freeze(make(), "block"))
    moved = _fit(model)
    assert "head/kernel" in moved
    assert any("block" in path and "moving_mean" in path for path in moved)
    assert not any(path.startswith(("conv/", "bn/")) for path in moved)


NORMS = ("bn", "bn1", "bn2")
STATISTICS = {
    f"{norm}/moving_{kind}" for norm in NORMS for kind in ("mean", "variance")
}


def _inside(paths):
    """Return paths without the block's name, whose place in them models differ in."""
    return {path.replace("block/", "") for path in paths}


@each_model
def test_frozen_statistics_adapt_if_asked_to(make):
    model = _compile(freeze(make(), batch_norm="adapt"))
    assert _inside(_fit(model)) == STATISTICS | {"head/kernel", "head/bias"}
    # They stand still again in inference mode, and all learn again where unfrozen.
    assert _fit(freeze(model)) == {"head/kernel", "head/bias"}
    freeze(model, batch_norm="adapt")
    assert {"bn/gamma", "bn/beta"} | STATISTICS <= _inside(_fit(unfreeze(model)))


def test_adapted_statistics_are_those_of_the_images():
    model = _compile(freeze(_flat(), batch_norm="adapt"))
    x = np.random.default_rng(0).normal(3, 2, (64, 8, 8, 3))
    features = keras.Model(model.input, model.get_layer("conv").output)
    maps = features.predict(x, verbose=0)
    model.fit(x, np.zeros(64), batch_size=64, epochs=30, verbose=0)
    norm = model.get_layer("bn")
    for found, axis in (
        (norm.moving_mean, maps.mean((0, 1, 2))),
        (norm.moving_variance, maps.var((0, 1, 2))),
    ):
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(found), axis, rtol=1e-4, atol=1e-5
        )


@each_model
@pytest.mark.parametrize(("share", "frozen"), [(0, 0), (0.4, 1), (0.67, 2), (1, 3)])
def test_a_share_counts_blocks_as_one_layer(make, share, frozen):
    moved = _inside(_fit(_compile(freeze(make(), share))))
    first = {"conv": "conv/kernel", "bn": "bn/gamma", "block": "conv1/kernel"}
    kept = {name for name, path in first.items() if path in moved}
    assert kept == set(list(first)[frozen:])
    assert "head/kernel" in moved


def _frozen(model):
    return {layer.name for layer in model.layers if layer.weights} - {
        layer.name for layer in model.layers if layer.trainable_weights
    }


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "stage", "last_frozen", "first_kept"),
    [
        ("resnet18", "stage3", "stage2_block2", "stage3_block1"),
        ("vgg11_bn", "stage4", "stage3_bn2", "stage4_conv1"),
        ("mobilenet_v2", "stage7", "stage6_block3_project_bn", "stage7_block1_expand"),
        ("keras_resnet50", "conv4", "conv3_block4_3_bn", "conv4_block1_1_conv"),
        ("keras_efficientnetb0", "block2", "block1a_project_bn", "block2a_expand"),
    ],
)
def test_a_stage_begins_with_its_first_layer(name, stage, last_frozen, first_kept):
    model = freeze(keras_cnnzoo.build(name, input_shape=(64, 64, 3)), stage)
    names = [layer.name for layer in model.layers if layer.weights]
    first = next(n for n in names if n.startswith(first_kept))
    assert names[names.index(first) - 1] == last_frozen
    assert _frozen(model) == set(names[: names.index(first)])


@pytest.mark.once
def test_a_stage_is_no_beginning_of_another_number():
    inputs = keras.Input((4,))
    x = layers.Dense(2, name="block10_a")(inputs)
    model = keras.Model(inputs, layers.Dense(2, name="block1_a")(x))
    assert _frozen(freeze(model, "block1")) == {"block10_a"}
    with pytest.raises(ValueError, match=r"no layer or stage 'block'"):
        freeze(model, "block")


@pytest.mark.once
@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"upto": 1.5}, ValueError, "from 0 to 1. Received: 1.5"),
        ({"upto": True}, TypeError, "Received: True"),
        ({"upto": ["conv"]}, TypeError, r"a share from 0 to 1, or None"),
        ({"batch_norm": "train"}, ValueError, "'inference' or 'adapt'"),
    ],
)
def test_wrong_arguments_change_nothing(arguments, error, says):
    model = _flat()
    with pytest.raises(error, match=says):
        freeze(model, **arguments)
    assert all(layer.trainable for layer in model.layers)


@pytest.mark.parametrize("policy_name", ["float32", "mixed_float16"])
def test_what_is_excluded_from_weight_decay_stays_so(policy, policy_name):
    policy(policy_name)
    model = _flat()
    optimizer = keras.optimizers.SGD(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.compile(optimizer, "sparse_categorical_crossentropy")
    head = freeze(model).get_layer("head")
    head.bias.assign([1.0, 1.0])
    before = keras.ops.convert_to_numpy(head.kernel)
    images, labels = np.ones((4, 8, 8, 3)), np.zeros(4)
    # Without a gradient, nothing but weight decay changes a weight.
    model.train_on_batch(images, labels, sample_weight=np.zeros(4))
    after = keras.ops.convert_to_numpy(head.kernel)
    np.testing.assert_allclose(after, 0.95 * before, rtol=1e-5)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(head.bias), 1)


def test_layers_of_a_wrapped_model_are_found():
    frames = keras.Input((2, 8, 8, 3))
    x = layers.TimeDistributed(_base(), name="each")(frames)
    x = layers.TimeDistributed(layers.Dense(2), name="head")(x)
    model = freeze(keras.Model(frames, x), "block")
    trained = {weight.path for weight in model.trainable_weights}
    assert any("block/conv1/kernel" in path for path in trained)
    assert not any("/conv/" in path or "/bn/" in path for path in trained)
    unfreeze(model)
    freeze(model)
    assert {layer.name for layer in model.layers if layer.trainable_weights} == {"head"}


def test_an_unknown_layer_is_answered_with_near_names():
    with pytest.raises(ValueError, match=r"no layer or stage 'blok'.*'block'"):
        freeze(_nested(), "blok")


def test_a_model_without_weights_has_no_head():
    with pytest.raises(ValueError, match="no weights"):
        freeze(keras.Sequential([keras.Input((2,)), layers.ReLU()]))


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_a_loss_that_cannot_be_made_again_changes_nothing():
    model = _flat()
    model.compile("sgd", lambda y, p: keras.ops.mean(p))
    with pytest.raises(ValueError, match="or freeze first, then compile"):
        freeze(model)
    assert all(layer.trainable for layer in model.layers)
