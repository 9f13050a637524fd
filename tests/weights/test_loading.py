"""Published weights in, published answers out; and what does not fit is said."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops

from keras_cnnzoo import build, weights
from keras_cnnzoo.cards import Preprocessing
from keras_cnnzoo.weights.loading import values_of

CIFAR = "akamaster_resnet_cifar10"
FILES = {20: "resnet20-12fca82f.th", 56: "resnet56-4bfd9763.th"}


def _predict(model, x):
    return ops.convert_to_numpy(model(x))


def _images(n=2, channels=3):
    return np.random.default_rng(0).uniform(0, 255, (n, 32, 32, channels))


@pytest.fixture
def cifar10(shared):
    with np.load(shared / "cifar10_lossless" / "cifar10_lossless.npz") as file:
        return file["x_test100"], file["y_test100"]


@pytest.mark.parametrize(("depth", "right"), [(20, 94), (56, 96)])
def test_published_cifar_resnets_give_published_answers(depth, right, shared, cifar10):
    images, labels = cifar10
    model = build(f"cifar_resnet{depth}", classifier_activation=None)
    report = weights.load(model, shared / CIFAR / FILES[depth])
    assert report.complete
    # Everything but the two constants of our normalisation.
    assert len(report.loaded) == len(model.weights) - 2
    logits = model.predict(images, verbose=0)
    assert (logits.argmax(1) == labels).sum() == right
    if depth == 20:
        with np.load(shared / CIFAR / "reference_logits.npz") as file:
            expected = file["resnet20"]
        spread = expected.max() - expected.min()
        assert np.abs(logits - expected).max() <= 1e-4 * spread


def test_build_takes_a_path_and_starts_another_head_anew(shared):
    path = shared / CIFAR / FILES[20]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        whole = build("cifar_resnet20", weights=path)
    with pytest.warns(UserWarning, match="head/kernel"):
        other = build("cifar_resnet20", weights=str(path), classes=3)
    stem = "stage1_block1/conv1/kernel"
    np.testing.assert_array_equal(values_of(whole)[stem], values_of(other)[stem])
    assert other.output.shape == (None, 3)


def test_another_number_of_channels_adapts_the_stem(shared):
    path = shared / CIFAR / FILES[20]
    colour = build("cifar_resnet20", weights=path, preprocessing=False)
    grey_image = _images(channels=1) / 255
    expected = _predict(colour, np.repeat(grey_image, 3, axis=-1))
    for channels in (1, 6):
        with pytest.warns(UserWarning, match="stem_conv/kernel adapted"):
            model = build(
                "cifar_resnet20",
                weights=path,
                preprocessing=False,
                input_shape=(32, 32, channels),
            )
        # An image that is grey in every channel is answered as before.
        got = _predict(model, np.repeat(grey_image, channels, axis=-1))
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-5)


def _torch_names(model):
    """Give a model's weights in torchvision's names and layouts."""
    leaves = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias"}
    leaves |= {"moving_mean": "running_mean", "moving_variance": "running_var"}
    state = {}
    for path, value in values_of(model).items():
        layer, _, leaf = path.rpartition("/")
        if layer == "normalization":
            continue
        layer = {"stem_conv": "conv1", "stem_bn": "bn1", "head": "fc"}.get(layer, layer)
        if layer.startswith("stage"):
            stage, block = layer[5], int(layer[12]) - 1
            layer = f"layer{stage}.{block}.{layer[14:]}"
        value = value.T if value.ndim == 2 else value
        value = value.transpose(3, 2, 0, 1) if value.ndim == 4 else value
        state[f"{layer}.{leaves[leaf]}"] = value
    return state


@pytest.fixture
def resnet():
    return build("cifar_resnet20")


def test_every_kind_of_file_gives_the_same_model(resnet, tmp_path):
    import torch
    from safetensors.numpy import save_file

    state = {
        name: np.ascontiguousarray(value)
        for name, value in _torch_names(resnet).items()
    }
    save_file(state, tmp_path / "a.safetensors")
    np.savez(tmp_path / "a.npz", **state)
    tensors = {f"module.{name}": torch.tensor(value) for name, value in state.items()}
    torch.save({"state_dict": tensors, "epoch": 3}, tmp_path / "a.pth")
    resnet.save(tmp_path / "a.keras")
    resnet.save_weights(tmp_path / "a.weights.h5")
    x = _images()
    expected = _predict(resnet, x)
    for name in ("a.safetensors", "a.npz", "a.pth", "a.keras", "a.weights.h5"):
        twin = build("cifar_resnet20")
        assert weights.load(twin, tmp_path / name).complete
        np.testing.assert_allclose(_predict(twin, x), expected, rtol=1e-4, atol=1e-6)


def test_constants_travel_with_a_saved_model(resnet, tmp_path):
    caffe = Preprocessing(mean=(104.0, 117.0, 123.0), std=(1.0,) * 3, order="bgr")
    weights.load(resnet, _torch_names(resnet), preprocessing=caffe)
    seen = keras.Model(resnet.input, resnet.get_layer("normalization").output)
    white = np.full((1, 32, 32, 3), 255.0)
    white[..., 0] = 0
    np.testing.assert_allclose(_predict(seen, white)[0, 0, 0], [151, 138, -123])
    resnet.save(tmp_path / "caffe.keras")
    twin = build("cifar_resnet20", weights=tmp_path / "caffe.keras")
    np.testing.assert_allclose(
        _predict(twin, _images()), _predict(resnet, _images()), rtol=1e-4
    )


def test_strict_refuses_gaps_and_leaves_the_model_alone(resnet):
    state = _torch_names(build("cifar_resnet20"))
    state["extra.weight"] = np.ones(3)
    del state["layer1.0.conv1.weight"]
    before = values_of(resnet)
    with pytest.raises(ValueError, match=r"stage1_block1/conv1/kernel.*extra\.weight"):
        weights.load(resnet, state)
    for path, value in values_of(resnet).items():
        np.testing.assert_array_equal(value, before[path])
    report = weights.load(resnet, state, strict=False)
    assert report.missing == ("stage1_block1/conv1/kernel",)
    assert report.unused == ("extra.weight",)


@pytest.mark.parametrize("kind", [".pth", ".safetensors", ".npz", ".weights.h5"])
@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_damaged_files_end_in_one_error(kind, damage, resnet, tmp_path, shared):
    path = tmp_path / f"bad{kind}"
    whole = (shared / CIFAR / FILES[20]).read_bytes()
    content = {"cut": whole[:5000], "text": b"<html>no</html>", "empty": b""}[damage]
    path.write_bytes(content)
    with pytest.raises(ValueError, match="bad"):
        weights.load(resnet, path)


def test_a_pickle_with_code_in_it_is_not_run(resnet, tmp_path):
    import torch

    torch.save({"state_dict": print}, tmp_path / "evil.pth")
    with pytest.raises(ValueError, match=r"evil\.pth"):
        weights.load(resnet, tmp_path / "evil.pth")


def test_what_cannot_be_is_said(resnet, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        weights.load(resnet, tmp_path / "nowhere.pth")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ValueError, match=r"\.safetensors"):
        weights.load(resnet, tmp_path / "notes.txt")
    with pytest.raises(ValueError, match="Nothing in a mapping belongs"):
        weights.load(resnet, {"blocks.0.weight": np.ones((3, 3))})
    with pytest.raises(ValueError, match="no weights 'timm/nothing'"):
        build("cifar_resnet20", weights="timm/nothing")
    resnet.save(tmp_path / "20.keras")
    with pytest.raises(ValueError, match="is not of 'cifar_resnet56'"):
        build("cifar_resnet56", weights=tmp_path / "20.keras")
