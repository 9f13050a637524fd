"""Which recipe is taken, and what its files may say."""

import dataclasses
import gzip
import sys

import numpy as np
import pytest
from PIL import Image

from keras_cnnzoo import card, list_models, plugins
from keras_cnnzoo.data import AUGMENTATIONS, open_source
from keras_cnnzoo.data.adapt import Adapter
from keras_cnnzoo.training import (
    OptimizerSettings,
    Recipe,
    ScheduleSettings,
    find_recipe,
    list_recipes,
    load_recipe,
    recipes,
    register_recipe,
)
from keras_cnnzoo.training.inputs import load_to_train
from keras_cnnzoo.training.recipes import dataset_name

pytestmark = pytest.mark.once


@pytest.fixture
def own_index():
    """Recipes that a test registers or plugs in are gone after it."""
    recipes._entries.cache_clear()
    yield
    recipes._entries.cache_clear()


@pytest.mark.parametrize(
    ("model", "data", "name"),
    [
        ("lenet5", "mnist", "lenet5_mnist"),
        ("lenet5_modern", "mnist", "lenet5_mnist"),
        ("resnet18", "mnist", "mnist"),
        ("lenet5", "digits", "digits"),
        ("lenet5", "cifar10", "general"),
        ("cifar_resnet20", "cifar10", "cifar_resnet"),
        ("cifar_resnet56", "cifar10_jpeg", "cifar_resnet"),
        ("cifar_resnet110", "cifar10", "cifar_resnet110"),
        ("cifar_resnet20", "cifar100", "general"),
        ("wrn_28_10", "cifar100", "wrn_cifar"),
        ("resnet50", "imagenet2012", "resnet_imagenet_v1"),
        ("resnet50", "imagenet_resized", "general"),
        ("resnet18d", "imagenette136", "imagenette"),
        ("resnet18d", "imagenette", "imagenette"),
    ],
)
def test_model_and_data_have_their_recipe(model, data, name):
    assert find_recipe(model, data).name == name


@pytest.mark.parametrize("name", list_recipes())
def test_a_shipped_recipe_stands_on_its_own(name):
    recipe = load_recipe(name)
    assert recipe.source
    assert recipe.models
    assert recipe.data
    for pattern in recipe.models:
        assert list_models(pattern), pattern
    # Its schedule is in shares, so that it can be tried for a few epochs.
    assert recipe.replace({"epochs": 2}).steps is None
    for claim in recipe.claims:
        chosen = find_recipe(claim.model, recipe.data[0])
        assert (chosen is recipe) != recipe.by_name
        assert "https://" in claim.source


@pytest.mark.parametrize("name", list_recipes())
def test_a_figure_of_a_recipe_is_that_of_the_models_card(name):
    """The cards' figures were compared with the papers."""
    for claim in load_recipe(name).claims:
        of_card = {c.metric: c.value for c in card(claim.model).claims}
        assert of_card.get(claim.metric, claim.value) == claim.value


def test_the_recipes_for_digits_are_those_of_before_there_were_files():
    lenet5 = load_recipe("lenet5_mnist")
    assert (lenet5.epochs, lenet5.batch_size, lenet5.validation) == (20, 128, 5000)
    assert lenet5.optimizer == OptimizerSettings(
        name="adamw", learning_rate=4e-3, weight_decay=1e-2, body_rate=0.1
    )
    assert lenet5.schedule == ScheduleSettings(kind="cosine", warmup=0.05)
    assert lenet5.images.fit == "pad"
    for name in ("lenet5_mnist", "mnist", "digits"):
        assert load_recipe(name).augment == AUGMENTATIONS["digits"]
    assert load_recipe("digits").optimizer.learning_rate == 3e-3
    general = load_recipe("general")
    assert (general.epochs, general.batch_size, general.validation) == (30, 32, 0.1)
    assert general.augment is None


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


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("minst", r"'minst'. Did you mean 'mnist'\? Recipes: .*digits.*\.toml file"),
        ("gone.toml", "There is no file gone.toml"),
    ],
)
def test_an_unknown_recipe_is_answered_with_the_names(name, answer):
    with pytest.raises(ValueError, match=answer):
        load_recipe(name)


def test_a_registered_recipe_is_found(own_index):
    mine = Recipe(name="mine", models=("vgg*",), data=("digits",))
    assert register_recipe(mine) is mine
    assert load_recipe("mine") is find_recipe("vgg16", "digits") is mine
    assert find_recipe("resnet18", "digits").name == "digits"
    register_recipe(dataclasses.replace(mine, epochs=3))
    assert load_recipe("mine").epochs == 3
    with pytest.raises(ValueError, match="'digits' exists already, of keras_cnnzoo"):
        register_recipe(dataclasses.replace(mine, name="digits"))
    with pytest.raises(ValueError, match="needs a name"):
        register_recipe(Recipe())


def test_a_plugin_brings_recipes(tmp_path, monkeypatch, own_index):
    home = tmp_path / "toy_recipes"
    home.mkdir()
    (home / "__init__.py").write_text("")
    (home / "toy.toml").write_text("epochs = 7\nmodels = ['mlp']\ndata = ['digits']")
    (home / "digits.toml").write_text("epochs = 7")
    (home / "broken.toml").write_text("epoch = 7")
    about = tmp_path / "toy_recipes-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: toy-recipes\nVersion: 1\n"
    )
    (about / "entry_points.txt").write_text(
        "[keras_cnnzoo.recipes]\ntoy = toy_recipes\ngone = toy_gone\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins.recipe_points.cache_clear()
    try:
        with pytest.warns(UserWarning, match="'toy-recipes'") as warned:
            assert find_recipe("mlp", "digits").epochs == 7
    finally:
        plugins.recipe_points.cache_clear()
        sys.modules.pop("toy_recipes", None)
    said = "\n".join(str(warning.message) for warning in warned)
    assert "broken.toml is left out, it is no recipe" in said
    assert "`epoch` is unknown. Did you mean `epochs`" in said
    assert "recipe 'digits' is left out, there is one already, of keras_cnnz" in said
    assert "'toy_gone' is left out, it cannot be imported" in said


def test_photographs_have_a_recipe_and_small_images_have_not(tmp_path, rng):
    def recipe(shape, count=4):
        images = rng.integers(0, 256, (count, *shape), "uint8")
        source = open_source((images, np.arange(count) % 2))
        return find_recipe("vgg11", "x", photographs=source.are_photographs)

    assert recipe((100, 96, 3)) is load_recipe("photographs")
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


def test_photographs_are_fitted_as_the_card_says(rng):
    images = rng.integers(0, 256, (8, 100, 120, 3), "uint8")
    recipe = load_recipe("photographs").replace({"images.size": 32})
    pair = images, np.arange(8) % 2
    data = {"train": pair, "validation": pair}
    splits = load_to_train("resnet18", data, recipe)
    seen = card("resnet18").preprocessing
    assert splits.adapter == Adapter(
        (32, 32), 3, seen.fit, seen.crop, seen.interpolation
    )
    assert splits.adapter.fit == "crop"


def test_a_section_of_another_type_is_refused():
    with pytest.raises(TypeError, match=r"`optimizer` is of type OptimizerSettings"):
        Recipe(optimizer="sgd")
