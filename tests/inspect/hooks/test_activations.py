"""activations: equal to NumPy on the whole set, however the images come."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_cnnzoo import inspect
from keras_cnnzoo.inspect import (
    CONVOLUTION,
    Histogram,
    TopK,
    activations,
    find,
    tap,
)
from keras_cnnzoo.inspect.hooks.map_pass import MapPass

COUNT = 70


@pytest.fixture(scope="module")
def model():
    """Build one with a layer that is called twice, and one that gives no map."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", name="conv1")(inputs)
    twice = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv2")
    x = layers.GlobalAveragePooling2D(name="pool")(twice(twice(x)))
    return keras.Model(inputs, layers.Dense(5, name="head")(x))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(size=(COUNT, 8, 8, 3)).astype("float32")


@pytest.fixture(scope="module")
def whole(model, images):
    """Return everything at once, by the channel: `{path: (images, positions, c)}`."""
    maps = tap(model, [CONVOLUTION, "head"])(images)
    assert list(maps) == ["conv1", "conv2", "conv2:1", "head"]
    return {path: x.reshape(COUNT, -1, x.shape[-1]) for path, x in maps.items()}


def _reduced(model, images, reduce):
    layers = [CONVOLUTION, "head"]
    return activations(model, images, layers, reduce=reduce, batch_size=32)


def test_maps_of_all_batches_are_joined(model, images, whole):
    found = _reduced(model, images, None)
    for path, expected in whole.items():
        np.testing.assert_allclose(
            found[path].reshape(expected.shape), expected, atol=1e-5
        )


def test_mean_and_max(model, images, whole):
    mean, peak = (_reduced(model, images, name) for name in ("mean", "max"))
    for path, maps in whole.items():
        np.testing.assert_allclose(mean[path], maps.mean((0, 1)), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(peak[path], maps.max((0, 1)), rtol=1e-5)


@pytest.mark.parametrize("by", ["max", "mean"])
def test_top_images(model, images, whole, by):
    found = _reduced(model, images, TopK(5, by))
    for path, maps in whole.items():
        score = getattr(maps, by)(1)
        best = np.sort(score, 0)[::-1][:5].T
        np.testing.assert_allclose(found[path].values, best, rtol=1e-4, atol=1e-6)
        chosen = np.take_along_axis(score.T, found[path].images, 1)
        np.testing.assert_allclose(chosen, best, rtol=1e-4, atol=1e-6)
        assert all(len(set(row)) == 5 for row in found[path].images)


def test_more_images_are_asked_for_than_there_are(model, images):
    found = activations(model, images[:3], "conv1", reduce=TopK(9))["conv1"]
    assert found.values.shape == found.images.shape == (4, 3)


def test_of_equals_the_first_comes_first(model, images):
    same = np.repeat(images[:1], 40, 0)
    found = activations(model, same, "conv1", reduce=TopK(3))["conv1"]
    np.testing.assert_array_equal(found.images, [[0, 1, 2]] * 4)


@pytest.mark.parametrize("limits", [None, (-0.5, 1.0)])
def test_histogram(model, images, whole, limits):
    found = _reduced(model, images, Histogram(20, limits))
    for path, maps in whole.items():
        low, high = found[path].edges[[0, -1]]
        if limits is None:
            np.testing.assert_allclose((low, high), (maps.min(), maps.max()), rtol=1e-4)
        for channel, counts in enumerate(found[path].counts):
            values = maps[..., channel]
            expected, edges = np.histogram(values, found[path].edges)
            np.testing.assert_array_equal(edges, found[path].edges)
            # Another batch size rounds otherwise: a value may be beyond an edge.
            assert np.abs(counts - expected).sum() <= 4, (path, channel)
        if limits is None:
            assert found[path].counts.sum() == maps.size


def test_edges_are_numpy_s():
    """Values on the edges themselves, outside, and none at all."""
    model = keras.Sequential([keras.Input((6, 1)), layers.ReLU(name="relu")])
    x = np.array([0.0, 0.25, 0.5, 1.0, 1.5, np.nan], "float32").reshape(1, 6, 1)
    found = activations(model, x, "relu", reduce=Histogram(4, (0, 1)))["relu"]
    finite = x[np.isfinite(x)]
    np.testing.assert_array_equal(found.counts[0], np.histogram(finite, 4, (0, 1))[0])
    assert found.counts[0].tolist() == [1, 1, 1, 1]
    flat = activations(model, np.ones((2, 6, 1)), "relu", reduce=Histogram(4))["relu"]
    np.testing.assert_array_equal(flat.counts[0], np.histogram(np.ones(12), 4)[0])


class Batches(keras.utils.PyDataset):
    def __init__(self, images):
        super().__init__()
        self.images = images

    def __len__(self):
        return -(-COUNT // 16)

    def __getitem__(self, index):
        x = self.images[16 * index : 16 * (index + 1)]
        return x, np.zeros(len(x))


def _tf_data(images):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((images, np.zeros(COUNT))).batch(16)


SOURCES = {
    "tensor": keras.ops.convert_to_tensor,
    "dataset": Batches,
    "tf.data": _tf_data,
    "list of batches": lambda images: [images[:30], images[30:]],
    "generator": lambda images: ((x, None) for x in np.split(images, 5)),
}


@pytest.mark.parametrize("source", SOURCES)
def test_however_the_images_come(model, images, whole, source):
    found = activations(model, SOURCES[source](images), "conv1", reduce=TopK(3))
    best = np.sort(whole["conv1"].max(1), 0)[::-1][:3].T
    np.testing.assert_allclose(found["conv1"].values, best, rtol=1e-4)


def test_images_by_the_name_of_their_input(images):
    inputs = keras.Input(images.shape[1:], name="pixels")
    maps = layers.Conv2D(2, 3, name="conv")(inputs)
    model = keras.Model({"pixels": inputs}, maps)
    found = activations(model, {"pixels": images}, batch_size=3)["conv"]
    answers = model.predict({"pixels": images}, verbose=0)
    np.testing.assert_allclose(found, answers, rtol=1e-5, atol=1e-6)
    mean = activations(model, {"pixels": images}, reduce="mean", batch_size=3)["conv"]
    np.testing.assert_allclose(mean, found.mean((0, 1, 2)), rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="at least 1"):
        activations(model, images, batch_size=-1)


def test_no_maps_leave_the_device(subject, monkeypatch):
    """A reduction of a pass brings home the numbers of the channels, and no more."""
    _, model, about = subject
    brought = []
    plain = MapPass.__call__

    def noting(self, images):
        brought.append(plain(self, images))
        return brought[-1]

    monkeypatch.setattr(MapPass, "__call__", noting)
    found = activations(model, about.images(), reduce="max")
    assert set(find(model, CONVOLUTION)) <= set(found)
    for path, values in found.items():
        assert values.ndim == 1, path
        assert brought[0][path].shape == values.shape


def test_channels_first(channels_first, images):
    if keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow has no such convolution on a CPU")
    model = keras.Sequential(
        [keras.Input((3, 8, 8)), layers.Conv2D(4, 3, name="conv"), layers.ReLU()]
    )
    x = images.transpose(0, 3, 1, 2)
    maps = tap(model)(x)["conv"]
    found = activations(model, x, reduce="mean")["conv"]
    np.testing.assert_allclose(found, maps.mean((0, 2, 3)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("reduce", "message"),
    [
        ("median", r"\['max', 'mean'\].* 'median'"),
        (np.mean, "a TopK or a Histogram"),
    ],
)
def test_unknown_reductions_are_answered(model, images, reduce, message):
    with pytest.raises(ValueError, match=message):
        activations(model, images, reduce=reduce)


def test_bad_arguments_are_answered(model, images):
    with pytest.raises(ValueError, match="empty"):
        activations(model, images[:0])
    with pytest.raises(ValueError, match="empty"):
        activations(model, [], reduce="max")
    with pytest.raises(ValueError, match="only once"):
        activations(model, iter([images]), reduce=Histogram())
    for wrong in (
        lambda: TopK(0),
        lambda: TopK(1, "median"),
        lambda: Histogram(0),
        lambda: Histogram(5, (1, 1)),
    ):
        with pytest.raises(ValueError, match="Received"):
            wrong()


def _two_inputs():
    a, b = keras.Input((6, 6, 1), name="a"), keras.Input((4,), name="b")
    x = keras.layers.Conv2D(2, 3, name="conv")(a)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(3)(keras.layers.Concatenate()([x, b]))
    return {"list": keras.Model([a, b], x), "dict": keras.Model({"a": a, "b": b}, x)}


class _Pairs(keras.utils.PyDataset):
    def __init__(self, x):
        super().__init__()
        self.x = x

    def __len__(self):
        return 2

    def __getitem__(self, i):
        cut = slice(2 * i, 2 * i + 2)
        return keras.tree.map_structure(lambda x: x[cut], self.x), np.zeros(2)


@pytest.mark.parametrize("kind", ["list", "dict"])
def test_several_inputs_however_they_come(kind, rng):
    model = _two_inputs()[kind]
    a = rng.normal(size=(4, 6, 6, 1)).astype("float32")
    b = rng.normal(size=(4, 4)).astype("float32")
    x = {"a": a, "b": b} if kind == "dict" else [a, b]
    expected = activations(model, x)["conv"]
    assert expected.shape == (4, 4, 4, 2)
    sources = [
        _Pairs(x),
        [(batch, y) for batch, y in map(_Pairs(x).__getitem__, (0, 1))],
    ]
    sources.append([batch for batch, _ in sources[1]])
    if kind == "list":
        sources.append((a, b))
    for source in sources:
        found = activations(model, source)["conv"]
        np.testing.assert_allclose(found, expected, atol=1e-6)
    mean = activations(model, _Pairs(x), reduce="mean")["conv"]
    np.testing.assert_allclose(mean, expected.mean((0, 1, 2)), atol=1e-5)
    with pytest.raises(ValueError, match=r"takes 2 inputs .* one image"):
        inspect.grad_cam(model, x)
    with pytest.raises(ValueError, match=r"takes 2 inputs .* one image"):
        inspect.explain(model, x, "never.html")


def test_one_image_and_a_dataset_get_the_sentence_that_helps(model, images):
    with pytest.raises(ValueError, match=r"pass `image\[None\]`"):
        activations(model, images[0])
    with pytest.raises(ValueError, match=r"pass `image\[None\]`"):
        inspect.tap(model)(images[0])
    with pytest.raises(ValueError, match=r"next\(iter\(images\)\)"):
        inspect.saliency(model, _Pairs(images))
    several = keras.layers.Lambda(lambda x: (x, x), name="pair")
    with_pair = keras.Sequential([keras.Input((6, 6, 1)), several])
    with pytest.raises(ValueError, match="gives several tensors"):
        activations(with_pair, np.ones((2, 6, 6, 1)), "pair", reduce="mean")
