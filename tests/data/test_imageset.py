import copy
import dataclasses
import pickle
import random

import keras
import numpy as np
import pytest

from keras_cnnzoo import data
from keras_cnnzoo.data import Augmentation


def _epoch(images):
    return [(x.tobytes(), y.tobytes()) for x, y in images]


def _multiset(images):
    return sorted(row.tobytes() for x, _ in images for row in x)


@pytest.fixture(scope="module")
def model():
    """A model with fixed first weights; `_fit` starts from them every time."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(10, "softmax"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    model.first = model.get_weights()
    return model


def _fit(model, train, start=None, **kwargs):
    model.set_weights(start or model.first)
    model.fit(train, shuffle=False, verbose=0, **kwargs)
    return model.get_weights()


def _noise(images, rng):
    return np.clip(images + rng.normal(0, 5, images.shape), 0, 255)


AUGMENTS = {
    "none": None,
    "affine": "digits",
    "crop": "cifar",
    "area": "imagenet",
    "function": _noise,
}
each_augment = pytest.mark.parametrize("augment", AUGMENTS.values(), ids=AUGMENTS)


@each_augment
def test_one_seed_gives_equal_runs_and_different_epochs(augment):
    one, two = (data.load("digits", seed=7, augment=augment).train for _ in range(2))
    other = data.load("digits", seed=8, augment=augment).train
    first = _epoch(one)
    assert first == _epoch(two)
    assert first == _epoch(one)
    assert first != _epoch(other)
    one.epoch = two.epoch = 1
    assert _epoch(one) == _epoch(two) != first


def test_order_is_a_permutation_new_in_each_epoch():
    train = data.load("digits").train
    before, labels = _multiset(train), [y for _, y in train]
    train.epoch = 5
    assert _multiset(train) == before
    assert not np.array_equal(labels[0], train[0][1])


def test_batches_may_be_asked_for_in_any_order():
    train = data.load("digits", augment="digits").train
    forward = _epoch(train)
    backward = [train[i] for i in reversed(range(len(train)))]
    assert forward == _epoch(reversed(backward))


@pytest.mark.parametrize("augment", [None, "digits"])
def test_two_fits_with_one_seed_are_equal(model, augment):
    def weights(seed):
        train = data.load("digits", seed=seed, augment=augment, validation=0.8).train
        return np.concatenate([w.ravel() for w in _fit(model, train, epochs=2)])

    first = weights(1)
    np.testing.assert_array_equal(first, weights(1))
    assert np.abs(first - weights(2)).max() > 1e-4


@pytest.fixture
def taken(monkeypatch):
    """The steps that Keras's passes over shuffled sets take, trials included."""
    steps = []
    read = data.ImageSet._read

    def noted(self, step):
        if self.batches.shuffle:
            steps.append(step)
        return read(self, step)

    monkeypatch.setattr(data.ImageSet, "_read", noted)
    return steps


def _compile(model):
    """A newly compiled model looks at a batch before the first epoch."""
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")


@pytest.mark.parametrize("augment", [None, "digits"])
@pytest.mark.parametrize("batch_size", [64, 700, 2000])
def test_fit_takes_every_batch_in_the_order_of_the_set(
    model, taken, augment, batch_size
):
    _compile(model)
    digits = data.load("digits", augment=augment, batch_size=batch_size)
    for _ in range(2):
        model.fit(digits.train, validation_data=digits.validation, epochs=2, verbose=0)
    every = [*range(4 * len(digits.train))]
    assert taken[-len(every) :] == every
    assert digits.train.epoch == 4


def test_fit_of_a_few_steps_goes_on_where_the_last_epoch_ended(model, taken):
    _compile(model)
    train = data.load("digits", batch_size=64).train
    assert len(train) == 21
    model.fit(train, steps_per_epoch=4, epochs=5, verbose=0)
    assert taken[-20:] == [*range(taken[-1] + 1)][-20:]


def test_neither_shuffle_nor_other_random_numbers_change_the_order(model):
    def weights(seed, **kwargs):
        random.seed(seed)
        train = data.load("digits", augment="digits", validation=0.8).train
        model.set_weights(model.first)
        _compile(model)
        model.fit(train, epochs=2, verbose=0, **kwargs)
        return model.get_weights()

    first = weights(1)
    for again in (weights(2), weights(3, shuffle=False)):
        for one, other in zip(first, again, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("start", [1, 5, 8])
def test_the_rest_of_an_epoch_completes_it(model, start):
    def load():
        return data.load("digits", augment="digits", validation=0.8).train

    whole = _fit(model, load(), epochs=2)
    train = load()
    assert len(train) == 9
    _fit(model, train, steps_per_epoch=start)
    for part in (train.rest(0, start), train.rest(1, 0)):
        # A new process compiles anew.
        _compile(model)
        weights = _fit(model, part, start=model.get_weights())
    for one, other in zip(whole, weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_pixels_stay_bytes_on_their_way(model, tmp_path):
    digits = data.load("digits", augment="digits")
    assert {x.dtype.name for x, _ in digits.train} == {"uint8"}
    images, labels = digits.test.arrays()
    assert images.dtype == "uint8"
    np.testing.assert_allclose(
        model.predict(digits.test.ordered(), verbose=0),
        model.predict(images.astype("float32"), verbose=0),
        rtol=1e-5,
        atol=1e-6,
    )
    floats = data.load((images / 3 * 1.7, labels), augment="digits").train
    assert floats[0][0].dtype == "float32"


def test_a_set_can_be_copied_and_pickled_while_fit_reads_it(model):
    train = data.load("digits", augment="digits").train
    train.on_epoch_begin()
    train[0]
    for other in (copy.deepcopy(train), pickle.loads(pickle.dumps(train))):
        other.on_epoch_end()
        np.testing.assert_array_equal(other[3][0], train.rest(0, 0)[3][0])


def test_setting_the_epoch_resumes_a_run(model):
    def load():
        return data.load("digits", augment="digits", validation=0.8).train

    whole = _fit(model, load(), epochs=2)
    half = _fit(model, load(), epochs=1)
    resumed = load()
    resumed.epoch = 1
    parts = _fit(model, resumed, start=half)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


def test_predictions_stand_beside_labels(model):
    train = data.load("digits", augment="digits").train
    images, labels = train.arrays()
    ordered = train.ordered()
    np.testing.assert_allclose(
        model.predict(ordered, verbose=0),
        model.predict(images, verbose=0),
        rtol=1e-5,
        atol=1e-6,
    )
    np.testing.assert_array_equal(labels, ordered.labels())
    np.testing.assert_array_equal(labels, train.labels())


def test_keras_layers_augment(model):
    layer = keras.layers.RandomFlip("horizontal", seed=1)
    train = data.load("digits", augment=layer).train
    _each_is_mirrored_or_not(train, axis=2)
    _fit(model, train)


def test_keras_layers_augment_channels_first(channels_first):
    layer = keras.layers.RandomFlip("horizontal", seed=1)
    train = data.load("digits", augment=layer, channels=3).train
    _each_is_mirrored_or_not(train, axis=3)


def _each_is_mirrored_or_not(train, axis):
    got = train[0][0]
    plain = dataclasses.replace(train.batches, augment=None)
    expected, _ = plain.read(0, 0)
    mirrored = np.flip(expected, axis)
    same, other = ((got == x).all((1, 2, 3)) for x in (expected, mirrored))
    assert (same | other).all()
    assert same.any()
    assert other.any()


def test_only_training_images_are_augmented():
    plain, changed = (data.load("digits", augment=a) for a in (None, "digits"))
    assert _epoch(plain.test) == _epoch(changed.test)
    assert _epoch(plain.validation) == _epoch(changed.validation)
    assert _multiset(plain.train) != _multiset(changed.train)


def test_area_crops_are_taken_from_the_original(rng):
    """A crop of a large original has more detail than one of the small image."""
    noise = rng.integers(0, 256, (64, 128, 128, 1), dtype="uint8")
    crops = Augmentation(area=(0.05, 0.06))
    splits = data.load((noise, [0] * 64), image_size=28, augment=crops, validation=0)
    # A resized whole averages 4.6 x 4.6 pixels, a crop of 1/18 about one.
    assert splits.train[0][0].std() > 1.5 * splits.train.arrays()[0].std()


def test_changed_shapes_and_missing_batches_are_refused():
    train = data.load("digits", augment=lambda images, rng: images[:, 1:]).train
    with pytest.raises(ValueError, match="keep the shape"):
        train[0]
    with pytest.raises(IndexError, match="of 41"):
        data.load("digits").train[41]


def test_repr_gives_the_size():
    assert "images (8, 8, 1)" in repr(data.load("digits").test)
