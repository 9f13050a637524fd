"""Published weights, as they lie in the world, give their own networks' answers."""

import numpy as np
import pytest
from keras.ops import convert_to_numpy
from PIL import Image

from keras_cnnzoo import build, card, list_models, weights
from keras_cnnzoo.weights.files import read

PHOTOGRAPHS = "imagenet_val_250"
MLPERF = "mlperf_tiny/pretrainedResnet.h5"
SQUEEZENET = "squeezenet1_1/squeezenet1_1_combined_oihw.npz"
PYTORCH = "mobilenetv1_025_pytorch/mobilenetV1X0.25_pretrain.pth.tar"
TENSORFLOW = "tf_mobilenet/mobilenet_v1_0.25_224_1_default_1.dequant_nhwc.npz"
TENSORFLOW_V2 = "tf_mobilenet/tf2_mobilenet_v2_1.0_224_ptq.dequant_nhwc.npz"
#: Table 2 of MobileNet v2's paper, behind its first stage: blocks, first stride.
V2_STAGES = ((2, 2), (3, 2), (4, 2), (3, 1), (3, 2), (1, 1))
#: Logits: model, file, and whose weights it has; None where the card knows the file.
SOURCES = {
    "squeezenet1_1": ("squeezenet1_1", SQUEEZENET, "deepscale/squeezenet_v1.1"),
    "mobilenetv1_025_pytorch": ("mobilenet_v1_025", PYTORCH, None),
    "tf_mobilenet_v1_025": (
        "mobilenet_v1_025",
        TENSORFLOW,
        "google/mobilenet_v1_0.25_224",
    ),
}


@pytest.fixture
def known(shared):
    """The reference's logits, and the photographs that they are of."""
    with np.load(shared / PHOTOGRAPHS / "reference_logits.npz") as file:
        known = dict(file)
    names = [name.rpartition("/")[2] for name in known["files"]]
    paths = {path.name: path for path in shared.glob(f"{PHOTOGRAPHS}/*/*.JPEG")}
    known["images"] = np.stack(
        [np.asarray(Image.open(paths[name]).convert("RGB")) for name in names]
    )
    return known


@pytest.mark.parametrize("key", SOURCES)
def test_logits_are_the_references(key, shared, known):
    name, file, tag = SOURCES[key]
    path = shared / file
    model = build(
        name, weights=(tag, path) if tag else path, classifier_activation=None
    )
    got = model.predict(known["images"], batch_size=15, verbose=0)
    expected = known[key]
    assert np.abs(got - expected).max() <= 1e-4 * np.ptp(expected)


@pytest.mark.once
def test_mobilenet_v2_answers_as_its_files_operations_one_by_one(shared, known):
    torch = pytest.importorskip("torch")
    arrays = read(shared / TENSORFLOW_V2)
    operations = iter(sorted({name.rpartition(".")[0] for name in arrays}))

    def convolve(x, stride=1, relu6=True):
        name = next(operations)
        depthwise = "DEPTHWISE" in name
        order = (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)
        kernel = torch.tensor(arrays[f"{name}.w"].transpose(order).copy())
        size, side = x.shape[-1], kernel.shape[-1]
        missing = max((-(-size // stride) - 1) * stride + side - size, 0)
        border = (missing // 2, missing - missing // 2)
        x = torch.nn.functional.conv2d(
            torch.nn.functional.pad(x, border * 2),
            kernel,
            torch.tensor(arrays[f"{name}.b"]),
            stride=stride,
            groups=x.shape[1] if depthwise else 1,
        )
        return x.clamp(0, 6) if relu6 else x

    images = known["images"][:8]
    x = torch.tensor(images.astype("float32") / 127.5 - 1).permute(0, 3, 1, 2)
    x = convolve(convolve(convolve(x, 2)), relu6=False)
    for blocks, first in V2_STAGES:
        for block in range(blocks):
            y = convolve(convolve(x), 1 if block else first)
            y = convolve(y, relu6=False)
            x = x + y if block else y
    x = convolve(x).mean((2, 3), keepdim=True)
    expected = convolve(x, relu6=False)[:, :, 0, 0].numpy()
    assert next(operations, None) is None
    model = build(
        "mobilenet_v2",
        weights=("google/mobilenet_v2_1.0_224", shared / TENSORFLOW_V2),
        classifier_activation=None,
    )
    got = model.predict(images, verbose=0)
    assert np.abs(got - expected).max() <= 1e-4 * np.ptp(expected)


def test_a_file_is_read_alike_whoever_converted_it(shared):
    theirs = build(
        "squeezenet1_1", weights=("deepscale/squeezenet_v1.1", shared / SQUEEZENET)
    )
    bare = build("squeezenet1_1", classes=0)
    # The Keras 2 file ends before the head.
    path = "squeezenet1_1/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert weights.load(bare, shared / path).complete
    values = {w.path: convert_to_numpy(w) for w in theirs.weights}
    for weight in bare.trainable_weights:
        np.testing.assert_array_equal(convert_to_numpy(weight), values[weight.path])


def test_mlperfs_resnet8_scores_as_measured_by_its_own_code(shared):
    with np.load(shared / "cifar10_lossless" / "cifar10_lossless.npz") as file:
        tests = file["x_test100"], file["y_test100"]
        train = file["x_train4000"][:1000], file["y_train4000"][:1000]
    model = build("mlperf_resnet8", weights=shared / MLPERF)
    for (images, labels), right in ((tests, 88), (train, 929)):
        found = model.predict(images, verbose=0).argmax(1)
        assert (found == labels).sum() == right


def test_a_known_file_brings_its_options_and_colours(shared):
    model = build("mobilenet_v1_025", weights=shared / PYTORCH)
    assert model.get_layer("stage1_block1_pw_relu")
    white = model.get_layer("normalization")(np.full((1, 1, 1, 3), 255.0))
    np.testing.assert_allclose(np.ravel(white), [2.249, 2.429, 2.640], rtol=1e-3)
    # What the caller says goes before what the source says.
    other = build("mobilenet_v1_025", weights=shared / PYTORCH, activation="relu6")
    assert other.get_layer("stage1_block1_pw_relu6")


@pytest.mark.once
def test_google_published_sixteen_mobilenets():
    rows = {
        row.tag: row
        for name in list_models("mobilenet_v1*")
        for row in card(name).weights
        if row.source == "Google"
    }
    assert set(rows) == {
        f"google/mobilenet_v1_{width}_{side}"
        for width in ("1.0", "0.75", "0.5", "0.25")
        for side in (224, 192, 160, 128)
    }
    assert rows["google/mobilenet_v1_1.0_160"].claims[0].value == 68.0
    assert all(
        w.classes == 1001 and w.options == {"padding": "same"} for w in rows.values()
    )


def test_weights_of_another_side_load_by_their_tag(shared):
    tag = "google/mobilenet_v1_0.25_128"  # of the same network as the file's
    model = build(
        "mobilenet_v1_025",
        weights=(tag, shared / TENSORFLOW),
        input_shape=(128, 128, 3),
    )
    assert model.output_shape == (None, 1001)
    with pytest.raises(weights.UnknownPreprocessingError, match=tag):
        build("mobilenet_v1_025", weights=shared / TENSORFLOW)


def test_a_tag_without_a_file_to_fetch_says_what_to_do():
    with pytest.raises(ValueError, match=r"SqueezeNet_v1.1.*\(tag, path\)"):
        build("squeezenet1_1", weights="deepscale/squeezenet_v1.1")
    with pytest.raises(ValueError, match="no weights 'deepscale/x'"):
        build("squeezenet1_1", weights=("deepscale/x", "some.npz"))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        build("squeezenet1_1", weights=("deepscale/squeezenet_v1.1", "nowhere.npz"))


def test_keras_2_files_name_arrays_by_layer(shared):
    found = read(shared / MLPERF)
    assert len(found) == 9 * 2 + 7 * 4 + 2
    assert found["conv2d_5/kernel"].shape == (1, 1, 16, 32)
    assert found["batch_normalization_6/moving_variance"].shape == (64,)
