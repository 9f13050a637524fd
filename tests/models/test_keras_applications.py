"""Keras Applications through our contract, against Keras's own networks."""

import inspect
import re
import socket
import sys
import urllib.error
import urllib.request
from importlib import util

import keras
import numpy as np
import pytest

from keras_cnnzoo import build, registry
from keras_cnnzoo.models import keras_applications
from keras_cnnzoo.surgery import wrapped
from keras_cnnzoo.weights import DownloadError
from keras_cnnzoo.weights.filling import fill
from keras_cnnzoo.weights.resolve import resolve

#: Every function with a capital: no other public name of the module has one.
FUNCTIONS = [name for name in dir(keras.applications) if name[0].isupper()]
ALL = [f"keras_{name.lower()}" for name in FUNCTIONS]
#: The module that each function is from.
MODULES = {
    name: getattr(keras.applications, name).__module__.rpartition(".")[2]
    for name in FUNCTIONS
}
#: Modules whose networks do their preprocessing inside.
INSIDE = {"convnext", "efficientnet", "efficientnet_v2", "mobilenet_v3"}
#: The smallest of each module; EfficientNetV2S is fed otherwise than V2B0.
SMALLEST = (
    "ConvNeXtTiny",
    "DenseNet121",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "EfficientNetV2S",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Small",
    "NASNetMobile",
    "ResNet50",
    "ResNet50V2",
    "VGG16",
    "VGG19",
    "Xception",
)


def _rows(names, quick):
    return [
        pytest.param(name, marks=() if name in quick else pytest.mark.slow)
        for name in names
    ]


@pytest.fixture
def admitted():
    """Skip what Keras itself refuses to build on this backend."""

    def check(function):
        if function == "NASNetMobile" and keras.backend.backend() == "torch":
            pytest.skip("Keras has no NASNetMobile on PyTorch")

    return check


def _module(function):
    return getattr(keras.applications, MODULES[function])


def _randomise(network, rng):
    """Give every kind of weight values that a mistake in it would show in."""
    for weight in network.weights:
        kind = weight.path.rpartition("/")[2]
        if kind in ("gamma", "moving_variance"):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif kind in ("beta", "bias", "moving_mean"):
            weight.assign(rng.normal(0, 0.1, weight.shape))


def _images(rng, side, channels=3, n=2):
    return rng.integers(0, 256, (n, side, side, channels)).astype("float32")


def _assert_equal(ours, theirs, tolerance=1e-4):
    assert np.isfinite(theirs).all()
    spread = theirs.max() - theirs.min()
    assert spread > 0
    assert np.abs(ours - theirs).max() <= tolerance * spread


def test_every_backbone_of_the_installed_keras_is_listed():
    assert sorted(registry.list_models(source="keras.applications")) == sorted(ALL)
    assert len(ALL) >= 40


def test_listing_builds_no_layer(monkeypatch):
    def refuse(self, *args, **kwargs):
        raise AssertionError("a layer was made")

    monkeypatch.setattr(keras.layers.Layer, "__init__", refuse)
    spec = util.spec_from_file_location("again", keras_applications.__file__)
    again = util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "again", again)
    spec.loader.exec_module(again)
    assert len(again.FAMILY.variants) == len(ALL)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_card_cites_the_paper_and_the_license(function):
    card = registry.card(f"keras_{function.lower()}")
    number = card.paper.url.removeprefix("https://arxiv.org/abs/")
    # Keras cites it in its own documentation.
    source = inspect.getmodule(getattr(keras.applications, function))
    assert number in inspect.getsource(source)
    (weights,) = card.weights
    assert weights.tag == "imagenet"
    assert weights.license


@pytest.mark.parametrize(
    "function", [name for name in FUNCTIONS if MODULES[name] != "mobilenet_v3"]
)
def test_card_states_the_size_that_keras_asks_for(function, admitted):
    admitted(function)
    shape = registry.card(f"keras_{function.lower()}").input_shape
    with pytest.raises(ValueError, match=f"should be {re.escape(str(shape))}"):
        getattr(keras.applications, function)(input_shape=(99, 99, 3))


@pytest.mark.parametrize(
    "function", [name for name in FUNCTIONS if MODULES[name] not in INSIDE]
)
def test_preprocessing_is_what_keras_asks_for(function, rng):
    pixels = rng.uniform(0, 255, (1, 5, 5, 3))
    theirs = _module(function).preprocess_input(pixels.copy())
    matrix, offset = registry.card(f"keras_{function.lower()}").preprocessing.affine(3)
    np.testing.assert_allclose(pixels @ matrix + offset, theirs, atol=1e-5)


@pytest.mark.parametrize("function", _rows(FUNCTIONS, ("ConvNeXtTiny",)))
def test_builds_for_grey_images_and_seven_classes_and_survives_saving(
    function, admitted, tmp_path, rng
):
    admitted(function)
    model = registry.assemble(
        f"keras_{function.lower()}", input_shape=(96, 96, 1), classes=7
    )
    images = _images(rng, 96, channels=1)
    answers = model.predict(images, verbose=0)
    assert answers.shape == (2, 7)
    np.testing.assert_allclose(answers.sum(1), 1, rtol=1e-4)
    # A layer called twice has no one output to tap.
    assert all(isinstance(o.output, keras.KerasTensor) for o in model.operations)
    model.save(tmp_path / "model.keras")
    revived = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        revived.predict(images, verbose=0), answers, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("function", _rows(SMALLEST, ("MobileNetV3Small",)))
def test_gives_one_map_for_each_stride_at_unknown_size(function, admitted, rng):
    admitted(function)
    name = f"keras_{function.lower()}"
    side = registry.card(name).input_shape[0]
    shape = (side, side, 4) if MODULES[function] == "nasnet" else (None, None, 4)
    model = registry.assemble(name, input_shape=shape, features=True)
    maps = model.predict(_images(rng, side, channels=4, n=1), verbose=0)
    first = 2 if MODULES[function] == "convnext" else 1
    names = tuple(f"stage{level}" for level in range(first, 6))
    assert registry.origin(model).features == names
    for level, stage in enumerate(maps, start=first):
        # Unpadded convolutions lose some pixels at the borders.
        assert side // 2**level - 3 <= stage.shape[1] <= -(-side // 2**level)


def test_fully_connected_top_says_that_it_needs_the_size():
    with pytest.raises(ValueError, match=r"fully connected.*`input_shape`"):
        registry.assemble("keras_vgg16", input_shape=(None, None, 3))


@pytest.mark.once
@pytest.mark.parametrize("name", ["keras_nasnetmobile", "keras_nasnetlarge"])
def test_nasnet_says_that_it_needs_the_size(name):
    with pytest.raises(ValueError, match="images of known size"):
        registry.assemble(name, input_shape=(None, None, 3), classes=0)


def test_stages_are_the_known_taps():
    model = registry.assemble("keras_vgg16", input_shape=(32, 32, 3), features=True)
    taps = ["block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3"]
    for stage, tap in zip(model.output, [*taps, "block5_pool"], strict=True):
        assert stage is model.get_layer(tap).output


def test_names_do_not_depend_on_what_was_built_before():
    first, second = (
        registry.assemble("keras_mobilenetv3small", input_shape=(32, 32, 3), classes=0)
        for _ in range(2)
    )
    assert [o.name for o in first.operations] == [o.name for o in second.operations]
    unnamed = {o.name for o in first.operations if o.name.startswith("re_lu")}
    assert unnamed == {f"re_lu_{i}" if i else "re_lu" for i in range(len(unnamed))}


def test_options_are_those_of_the_function():
    slim = registry.assemble(
        "keras_mobilenet", alpha=0.25, input_shape=(32, 32, 3), classes=0
    )
    assert slim.output_shape == (None, 1, 1, 256)
    with pytest.raises(TypeError, match=r"no option 'function'.*alpha"):
        build("keras_mobilenet", function="VGG16")


def test_answers_in_full_precision_under_a_mixed_policy(policy):
    policy("mixed_float16")
    model = registry.assemble("keras_mobilenetv3small", input_shape=(32, 32, 3))
    assert model.get_layer("conv_1").compute_dtype == "float16"
    assert model.get_layer("logits").compute_dtype == "float32"
    assert model.output.dtype == "float32"


def _load(model, source, **options):
    fill(model, resolve(model.name, source), **options)


def _reference(function, network):
    """Return what Keras returns for weights="imagenet", from the weights at hand."""
    if _module(function) is not keras.applications.efficientnet:
        return network

    def call(layer, *args, **kwargs):
        y = layer(*args, **kwargs)
        if isinstance(layer, keras.layers.Normalization):
            scale = [1 / np.sqrt(std) for std in (0.229, 0.224, 0.225)]
            y = keras.layers.Rescaling(scale)(y)
        return y

    published = keras.models.clone_model(network, call_function=call)
    published.set_weights(network.get_weights())
    for layer in published.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
    return published


def _publish(function, path, rng, **arguments):
    """Write a file as Keras publishes them, of a network with weights of our own."""
    network = getattr(keras.applications, function)(weights=None, **arguments)
    _randomise(network, rng)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.weights:
            # The published file holds the deviation where the variance belongs.
            mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
            layer.set_weights([np.array(mean), np.array(std), np.array(0)])
            layer.finalize_state()
    save = network.save if path.name == "old.h5" else network.save_weights
    save(path)
    return network


@pytest.mark.once
@pytest.mark.parametrize(
    "function",
    _rows(SMALLEST, ("MobileNetV3Small", "VGG16")),
)
def test_equals_keras_on_the_same_pixels(function, admitted, tmp_path, rng):
    admitted(function)
    shape = (96, 96, 3)
    path = tmp_path / "its.weights.h5"
    network = _publish(
        function, path, rng, input_shape=shape, classes=11, classifier_activation=None
    )
    model = registry.assemble(
        f"keras_{function.lower()}",
        input_shape=shape,
        classes=11,
        classifier_activation=None,
    )
    kinds = [type(layer) for layer in model.layers]
    assert not any(issubclass(kind, wrapped.PREPROCESSING) for kind in kinds)
    _load(model, path)
    images = _images(rng, 96)
    fed = _module(function).preprocess_input(images.copy())
    theirs = _reference(function, network).predict(fed, verbose=0)
    _assert_equal(model.predict(images, verbose=0), theirs)


@pytest.mark.once
@pytest.mark.parametrize(
    ("function", "tap"),
    [("EfficientNetB0", "block2a_expand_activation"), ("MobileNet", "conv_pw_1_relu")],
)
def test_published_weights_pass_through(function, tap, monkeypatch, tmp_path, rng):
    real = getattr(keras.applications, function)
    path = tmp_path / "its.weights.h5"
    network = _reference(
        function,
        _publish(function, path, rng, input_shape=(64, 64, 3), include_top=False),
    )
    asked = []

    def fake(weights=None, **arguments):
        if weights is None:
            return real(weights=None, **arguments)
        asked.append((weights, arguments["include_top"], arguments["input_shape"]))
        return network

    monkeypatch.setattr(keras.applications, function, fake)
    images = _images(rng, 64)
    fed = _module(function).preprocess_input(images.copy())
    front = keras.Model(network.input, network.get_layer(tap).output)
    theirs = front.predict(fed, verbose=0)
    model = registry.assemble(
        f"keras_{function.lower()}", input_shape=(64, 64, 3), features="stage1"
    )
    # Keras leaves a layer of EfficientNet out where its file is loaded from a path.
    for source in ("imagenet", path):
        for weight in model.weights:
            weight.assign(np.zeros(weight.shape))
        _load(model, source)
        _assert_equal(model.predict(images, verbose=0), theirs)
    assert asked == [("imagenet", False, (224, 224, 3))]


@pytest.mark.once
@pytest.mark.parametrize("offline", [True, False])
def test_without_a_network_keras_own_weights_end_in_one_error(offline, monkeypatch):
    real = keras.applications.MobileNetV3Small

    def fetch(weights=None, **arguments):
        if weights is None:
            return real(weights=None, **arguments)
        # As Keras does where its cache holds nothing.
        try:
            urllib.request.urlopen("http://127.0.0.1:9/weights.h5")
        except urllib.error.URLError as error:
            raise Exception(f"URL fetch failure: {error}") from error

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", fetch)
    if offline:
        monkeypatch.setenv("KERAS_CNNZOO_OFFLINE", "1")
        monkeypatch.setattr(socket, "create_connection", None)
    said = "KERAS_CNNZOO_OFFLINE is set" if offline else "URL fetch failure"
    with pytest.raises(DownloadError, match=rf"could not be downloaded.*{said}.*path"):
        build("keras_mobilenetv3small", input_shape=(32, 32, 3), weights="imagenet")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("published") / "old.h5"
    _publish("MobileNetV3Small", path, rng, input_shape=(64, 64, 3))
    return path


class TestWhatDiffersFromThePublished:
    def test_other_classes_keep_all_but_the_classifier(self, published):
        model = registry.assemble(
            "keras_mobilenetv3small", input_shape=(64, 64, 3), classes=7
        )
        before = model.get_layer("logits").get_weights()[0]
        with pytest.warns(UserWarning, match="mismatched: logits/kernel") as said:
            _load(model, published)
        assert len([w for w in said if "keras_mobilenetv3small" in str(w.message)]) == 1
        np.testing.assert_array_equal(
            model.get_layer("logits").get_weights()[0], before
        )
        theirs = keras.applications.MobileNetV3Small(weights=None)
        theirs.load_weights(published)
        for name in ("conv", "conv_2"):
            np.testing.assert_array_equal(
                model.get_layer(name).get_weights()[0],
                theirs.get_layer(name).get_weights()[0],
            )

    @pytest.mark.once
    def test_other_channels_see_the_same_picture(self, published, rng):
        grey = _images(rng, 64, channels=1)

        def see(channels):
            model = registry.assemble(
                "keras_mobilenetv3small", input_shape=(64, 64, channels), classes=0
            )
            _load(model, published)
            return model.predict(np.repeat(grey, channels, -1), verbose=0)

        theirs = see(3)
        with pytest.warns(UserWarning, match="adapted to the input's channels"):
            _assert_equal(see(6), theirs)
        # A grey image is shown to the network as three equal channels.
        _assert_equal(see(1), theirs)

    def test_constants_are_exact_under_a_mixed_policy(self, published, policy):
        policy("mixed_float16")
        model = registry.assemble(
            "keras_mobilenetv3small", input_shape=(64, 64, 3), classes=0
        )
        _load(model, published)
        matrix, offset = model.get_layer("normalization").get_weights()
        np.testing.assert_allclose(matrix, np.eye(3) / 127.5, rtol=1e-6)
        np.testing.assert_allclose(offset, -1, rtol=1e-6)
        assert keras.config.dtype_policy().name == "mixed_float16"

    def test_refuses_what_does_not_fit(self, published, tmp_path):
        model = registry.assemble(
            "keras_mobilenetv3small", input_shape=(64, 64, 3), alpha=0.75, classes=0
        )
        with pytest.raises(ValueError, match="another network"):
            _load(model, published)
        with pytest.raises(FileNotFoundError, match="no weights file"):
            _load(model, tmp_path / "missing.h5")


def test_a_network_fed_bgr_has_its_kernel_turned_for_many_channels(tmp_path, rng):
    path = tmp_path / "its.weights.h5"
    shape = (32, 32, 3)
    network = _publish("VGG16", path, rng, input_shape=shape, include_top=False)
    model = registry.assemble("keras_vgg16", input_shape=(32, 32, 6), classes=0)
    with pytest.warns(UserWarning, match="block1_conv1/kernel adapted"):
        _load(model, path)
    ours, theirs = (
        m.get_layer("block1_conv1").get_weights()[0] for m in (model, network)
    )
    np.testing.assert_allclose(ours[:, :, 3:], theirs[:, :, ::-1] / 2, rtol=1e-6)
