"""Every method of attribution draws every kind of model, whatever it is made of."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from methods import METHODS, draw
from subjects import SUBJECTS

from keras_cnnzoo import build, inspect
from keras_cnnzoo.inspect.attribution.location import locate
from keras_cnnzoo.inspect.trace.layer_calls import layer_calls


def _pairs():
    """Yield each method with each subject; those that add little run once."""
    for name in SUBJECTS:
        for method in METHODS:
            told = method == "grad_cam" or name == "subclassed"
            marks = () if told else pytest.mark.once
            yield pytest.param(name, method, marks=marks, id=f"{name}-{method}")


@pytest.mark.parametrize(("subject", "method"), list(_pairs()), indirect=["subject"])
def test_every_method_on_every_kind_of_model(subject, method):
    _, model, about = subject
    found = draw(method, model, about.images(2), normalize=False)
    assert found.shape == (2, *about.shape[:2])
    assert found.dtype == "float32"
    assert np.isfinite(found).all()
    assert (np.ptp(found, axis=(1, 2)) > 0).all()


def test_maps_are_in_0_to_1_and_reach_both(subject):
    _, model, about = subject
    # Both signs of an eigenvector exist, so that something is always positive.
    maps = inspect.eigen_cam(model, about.images(2))
    assert maps.dtype == "float32"
    np.testing.assert_array_equal(maps.min((1, 2)), 0)
    np.testing.assert_array_equal(maps.max((1, 2)), 1)


def test_nested_draws_what_flat_draws(rng):
    images = rng.uniform(size=(3, 16, 16, 3)).astype("float32")
    nested = SUBJECTS["nested"].build()
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv")(inputs)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="bn")(x))
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv2")(x)
    x = layers.GlobalAveragePooling2D()(layers.Add()([x, y]))
    flat = keras.Model(inputs, layers.Dense(5, name="head")(x))
    paths = inspect.layer_paths(nested)
    for path, name in {
        "backbone/stem/conv": "conv",
        "backbone/stem/bn": "bn",
        "backbone/conv": "conv2",
        "head": "head",
    }.items():
        flat.get_layer(name).set_weights(paths[path].get_weights())
    for path, name in ((None, None), ("backbone/stem/relu", "relu")):
        found = inspect.grad_cam(nested, images, 1, path, normalize=False)
        expected = inspect.grad_cam(flat, images, 1, name, normalize=False)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_layer_called_twice_is_looked_at_in_its_last_call(rng):
    images = rng.uniform(size=(2, 16, 16, 3)).astype("float32")
    model = SUBJECTS["subclassed"].build()
    found = inspect.grad_cam(model, images, 2, "conv2", normalize=False)
    # By hand: behind an average and a dense layer every pixel's gradient is the kernel.
    x = ops.relu(model.bn(model.conv1(images), training=False))
    maps = ops.convert_to_numpy(model.conv2(model.conv2(x)))
    kernel = ops.convert_to_numpy(model.head.kernel)[:, 2]
    np.testing.assert_allclose(found, maps @ kernel / 256, atol=1e-6)


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("lenet5", "c3"),
        ("lenet5_modern", "c3"),
        ("squeezenet1_1", "head"),
        ("googlenet", "stage5_block2"),
        ("vgg11_bn", "stage5_relu2"),
        ("resnet18", "stage4_block2"),
    ],
)
def test_the_last_map_feeds_the_pooling_before_the_answer(name, layer):
    model = build(name)
    found = locate(model, layer_calls(model, model.input_shape[1:]), None)
    assert layer in found.layer.name


@pytest.mark.once
def test_batches_change_nothing(rng):
    images = rng.uniform(size=(5, 16, 16, 3)).astype("float32")
    model = SUBJECTS["sequential"].build()
    for method in ("grad_cam", "smooth_grad", "occlusion"):
        whole = draw(method, model, images, [0, 1, 2, 3, 4])
        parts = draw(method, model, images, [0, 1, 2, 3, 4], batch_size=2)
        np.testing.assert_allclose(parts, whole, atol=1e-4)


def test_mixed_precision_is_computed_in_float32(policy, rng):
    images = rng.uniform(0, 255, (2, 32, 32, 3))
    options = {"input_shape": (32, 32, 3)}
    plain = build("mlperf_resnet8", **options)
    policy("mixed_float16")
    mixed = build("mlperf_resnet8", **options)
    mixed.set_weights(plain.get_weights())
    for method in ("grad_cam", "saliency"):
        expected, found = (
            draw(method, m, images, 1, normalize=False) for m in (plain, mixed)
        )
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.ptp(expected))
    assert {layer.compute_dtype for layer in mixed.layers} >= {"float16"}


@pytest.mark.once
def test_channels_first_is_the_same(rng):
    def make(data_format):
        first = data_format == "channels_first"
        form = {"data_format": data_format}
        model = [
            keras.Input((3, 12, 16) if first else (12, 16, 3)),
            layers.Conv2D(4, 3, activation="relu", **form),
            layers.Conv2D(5, 3, strides=2, padding="same", **form),
            layers.GlobalAveragePooling2D(**form),
            layers.Dense(3),
        ]
        return keras.Sequential(model)

    images = rng.uniform(size=(2, 12, 16, 3)).astype("float32")
    last, first = make("channels_last"), make("channels_first")
    first.set_weights(last.get_weights())
    for method in METHODS:
        expected = draw(method, last, images, 1, normalize=False)
        found = draw(method, first, np.moveaxis(images, -1, 1), 1, normalize=False)
        assert found.shape == (2, 12, 16)
        if method != "smooth_grad":  # whose noise has the shape of an image
            np.testing.assert_allclose(found, expected, atol=1e-4)


def test_statistics_are_not_moved(rng):
    images = rng.uniform(size=(2, 16, 16, 3)).astype("float32")
    model = inspect.instrument(SUBJECTS["sequential"].build(), record="stats")
    model(images)
    before = {w.path: ops.convert_to_numpy(w) for w in model.weights}
    inspect.saliency(model, images)
    inspect.occlusion(model, images, window=8)
    for weight in model.weights:
        np.testing.assert_array_equal(weight, before[weight.path])


@pytest.mark.once
def test_a_layer_takes_the_place_of_the_pixels(rng):
    images = rng.uniform(size=(2, 16, 16, 3)).astype("float32")
    model = SUBJECTS["nested"].build()
    for method in ("saliency", "integrated_gradients", "occlusion"):
        options = {"window": 4, "stride": 2} if method == "occlusion" else {}
        options["normalize"] = False
        at_layer = draw(method, model, images, 1, "backbone/conv", **options)
        assert at_layer.shape == (2, 16, 16)
        pixels = draw(method, model, images, 1, **options)
        assert np.abs(at_layer - pixels).max() > 0.1 * np.ptp(pixels)


def test_occlusion_is_how_far_the_logit_falls(rng):
    images = rng.uniform(size=(1, 16, 16, 3)).astype("float32")
    model = SUBJECTS["nested"].build()
    found = inspect.occlusion(
        model, images, 2, window=(8, 4), stride=(8, 4), baseline=0.5, normalize=False
    )
    covered = images.copy()
    covered[:, 8:, 4:8] = 0.5
    fall = (model.predict(images, verbose=0) - model.predict(covered, verbose=0))[0, 2]
    np.testing.assert_allclose(found[0, 8:, 4:8], fall, atol=1e-5)


def test_can_be_used_from_a_callback(rng):
    model = SUBJECTS["sequential"].build()
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, found = SUBJECTS["sequential"].images(4), []

    def look(batch, logs):
        found.append(inspect.grad_cam(model, x[:1], normalize=False))
        found.append(inspect.receptive_field(model, "conv2", empirical=True)["conv2"])

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=look)
    model.fit(x, np.arange(4), batch_size=2, callbacks=[callback], verbose=0)
    assert len(found) == 4
    assert np.abs(found[0] - found[2]).max() > 0


@pytest.mark.once
def test_a_format_that_is_the_models_own(rng):
    model = keras.Sequential(
        [
            keras.Input((3, 12, 16)),
            layers.Rescaling(1.0),
            layers.Conv2D(4, 3, data_format="channels_first", name="conv"),
            layers.ReLU(name="relu"),
            layers.GlobalAveragePooling2D(data_format="channels_first"),
            layers.Dense(3),
        ]
    )
    images = rng.normal(size=(2, 3, 12, 16)).astype("float32")
    for method in ("grad_cam", "saliency"):
        assert draw(method, model, images, normalize=False).shape == (2, 12, 16)
    means = inspect.activations(model, images, ["conv", "relu"], reduce="mean")
    assert {path: x.shape for path, x in means.items()} == {"conv": (4,), "relu": (4,)}
    field = inspect.plot_receptive_field(model, images[0], "conv", at=(0, 0))
    assert field.axes[0].images[0].get_array().shape == (12, 16, 3)
