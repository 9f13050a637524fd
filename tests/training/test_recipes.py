"""Which recipe is taken, and the learning rate it makes."""

import gzip

import numpy as np
import pytest
from keras.optimizers.schedules import deserialize

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


def test_numbers_must_be_positive():
    with pytest.raises(ValueError, match=r"`epochs` must be positive\. Received: 0"):
        Recipe(epochs=0)
