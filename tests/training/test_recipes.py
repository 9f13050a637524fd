"""Which recipe is taken, and the learning rate it makes."""

import gzip

import keras
import numpy as np
import pytest
from keras.optimizers.schedules import deserialize
from PIL import Image

from keras_cnnzoo import card
from keras_cnnzoo.data import open_source
from keras_cnnzoo.data.adapt import Adapter
from keras_cnnzoo.training.inputs import load_to_train
from keras_cnnzoo.training.recipes import (
    RECIPES,
    Recipe,
    dataset_name,
    find_recipe,
    named_recipe,
)


def test_every_row_can_be_reached():
    for model, data, recipe in RECIPES:
        assert find_recipe(model.replace("*", "_x"), data.replace("*", "_x")) is recipe


def test_a_folder_of_idx_files_is_mnist(tmp_path):
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        (tmp_path / name).write_bytes(gzip.compress(b""))
    assert dataset_name(tmp_path) == "mnist"


@pytest.mark.parametrize(
    ("data", "name"),
    [("digits", "digits"), ("mnist:3.0.1", "mnist"), ((1, 2), "arrays")],
)
def test_data_have_a_name(data, name):
    assert dataset_name(data) == name


def test_an_unknown_recipe_is_answered_with_the_names():
    with pytest.raises(ValueError, match=r"'minst'.*digits, mnist"):
        named_recipe("lenet5", "minst")


def test_the_learning_rate_rises_and_falls_along_a_cosine():
    optimizer = Recipe(learning_rate=0.4, warmup=0.2).make_optimizer(100)
    schedule = deserialize(optimizer.get_config()["learning_rate"])
    rates = [float(schedule(step)) for step in (0, 10, 20, 40, 60, 80, 100)]
    # Half a cosine over the 80 steps after the warm-up.
    fall = 0.2 * (1 + np.cos(np.pi * np.array([0, 20, 40, 60, 80]) / 80))
    np.testing.assert_allclose(rates, [0, 0.2, *fall], atol=1e-6)


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_the_body_takes_a_share_of_the_steps_of_the_head(kind):
    def moved(head):
        keras.utils.set_random_seed(0)
        inner = keras.layers.Dense(3, name="body")
        model = keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(2)])
        recipe = Recipe(optimizer=kind, warmup=0, body_rate=0.25, weight_decay=0)
        head = [w.path for w in model.layers[-1].weights] if head else None
        model.compile(recipe.make_optimizer(10**6, head), "mse")
        before = model.get_weights()
        model.train_on_batch(np.ones((8, 4)), np.full((8, 2), 5.0))
        return [n - b for n, b in zip(model.get_weights(), before, strict=True)]

    alike, slow = moved(False), moved(True)
    for a, b, share in zip(alike, slow, (0.25, 0.25, 1, 1), strict=True):
        np.testing.assert_allclose(b, share * a, rtol=1e-3, atol=1e-7)


@pytest.mark.once
def test_a_slow_body_comes_back_from_its_config():
    optimizer = Recipe().make_optimizer(10, ["head/kernel"])
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert [again.factor_of(p) for p in ("stem/kernel", "head/kernel")] == [0.1, 1]


@pytest.mark.once
def test_photographs_have_a_recipe_and_small_images_have_not(tmp_path, rng):
    def recipe(shape, count=4):
        images = rng.integers(0, 256, (count, *shape), "uint8")
        source = open_source((images, np.arange(count) % 2))
        return find_recipe("vgg11", "x", photographs=source.are_photographs)

    assert recipe((100, 96, 3)) is named_recipe("vgg11", "photographs")
    assert recipe((100, 96, 3)).augment.flip
    for small in ((95, 300, 3), (32, 32, 3), (200, 200, 1)):
        assert recipe(small) is find_recipe("vgg11", "x")
    assert find_recipe("vgg11", "digits", photographs=True).augment.rotate
    for number, size in enumerate([(20, 30), (40, 25), (300, 200), (22, 20)]):
        home = tmp_path / "signs" / "ab"[number % 2]
        home.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(home / f"{number}.png")
    # Of different sizes, but small: traffic signs, say, which are never mirrored.
    assert not open_source(tmp_path / "signs").are_photographs


@pytest.mark.once
def test_photographs_are_fitted_as_the_card_says(rng):
    images = rng.integers(0, 256, (8, 100, 120, 3), "uint8")
    recipe = named_recipe("resnet18", "photographs")
    pair = images, np.arange(8) % 2
    data = {"train": pair, "validation": pair}
    splits = load_to_train("resnet18", data, recipe, image_size=32)
    seen = card("resnet18").preprocessing
    assert splits.adapter == Adapter(
        (32, 32), 3, seen.fit, seen.crop, seen.interpolation
    )
    assert splits.adapter.fit == "crop"


def test_numbers_must_be_positive():
    with pytest.raises(ValueError, match=r"`epochs` must be positive\. Received: 0"):
        Recipe(epochs=0)
