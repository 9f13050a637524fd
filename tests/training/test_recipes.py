"""Which recipe is taken, and what its files may say."""

import dataclasses
import gzip
import json
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


#: What a file says, and what is answered.
WRONG_FILES = {
    "no TOML": ("epochs = \nsteps = 1", r"mine.toml is no TOML file: .*line 1"),
    "unknown field": (
        "[optimizer]\nmomentun = 0.9",
        r"mine.toml: `optimizer.momentun` is unknown. Did you mean .*\.momentum`",
    ),
    "another section": (
        "learning_rate = 0.1",
        r"mine.toml: `learning_rate` is unknown. Did you mean `optimizer.learning_rate",
    ),
    "a name of timm": ("[optimizer]\nlr = 0.1", "Did you mean `optimizer.learning_r"),
    "unknown section": ("[sgd]\nmomentum = 1", "mine.toml: `sgd` is unknown. There"),
    "another type": ("epochs = '3'", "mine.toml: `epochs` is a whole number"),
    "no whole number": ("batch_size = 1.5", "`batch_size` is a whole number"),
    "truth for a number": ("[optimizer]\nlearning_rate = true", "is a number"),
    "number for a truth": ("[augment]\nflip = 1", "`augment.flip` is true or false"),
    "too short a list": ("[augment]\narea = [0.1]", r"`augment.area` is \[a number, a"),
    "no table": ("optimizer = 'sgd'", "`optimizer` is a table of name, learning_rate"),
    "out of range": ("epochs = 0", "`epochs` must be positive. Received: 0"),
    "rate out of range": (
        "[optimizer]\nlearning_rate = -1.0",
        "`optimizer.learning_rate` must be positive. Received: -1.0",
    ),
    "shift out of range": ("[augment]\nshift = -1", r"\[augment\] `shift` is from 0"),
    "unknown optimizer": ("[optimizer]\nname = 'adam'", "'sgd', 'adamw', 'lamb'"),
    "idle setting": (
        "[optimizer]\nname = 'adamw'\nmomentum = 0.9",
        "`optimizer.momentum` does nothing with name = 'adamw'; it is for 'sgd', 'rms",
    ),
    "idle crop": (
        "[images]\ncrop = 0.95",
        "`images.crop` does nothing with fit = 'resize'; it is for 'crop', 'squash'",
    ),
    "idle threshold": (
        "[loss]\ntarget_threshold = 0.2",
        "`loss.target_threshold` does nothing without `loss.binary`",
    ),
    "idle floor": (
        "[schedule]\nkind = 'constant'\nfloor = 0.1",
        "`schedule.floor` does nothing with kind = 'constant'",
    ),
    "no milestones": ("[schedule]\nkind = 'step'", "`schedule.milestones` is what"),
    "late milestone": (
        "epochs = 5\n[schedule]\nkind = 'step'\nmilestones = [3, 6]",
        "`schedule.milestones` rise, within the training of 5 epochs",
    ),
    "factors": (
        "[schedule]\nkind = 'step'\nmilestones = [0.3, 0.6]\nfactor = [0.1]",
        "`schedule.factor` has 1 numbers for 2 milestones",
    ),
    "warm-up to the end": ("epochs = 5\n[schedule]\nwarmup = 5", "take up the whole"),
    "two lengths": ("epochs = 1\nsteps = 10", "`epochs` and `steps` are both"),
    "name": ("name = 'mine'", "`name` is that of the file"),
    "no patience": ("[stop]", "`stop.patience` is missing: a whole number"),
    "a claim without source": (
        "[[claims]]\nmodel = 'a'\nmetric = 'b'\nvalue = 1",
        "`claims.source` is missing",
    ),
}


@pytest.mark.parametrize(("text", "answer"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_wrong_file_is_answered_in_one_line(tmp_path, monkeypatch, text, answer):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ValueError, match=answer) as raised:
        load_recipe("mine.toml")
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith("mine.toml")


def test_a_file_of_ones_own_is_read(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        """
        steps = 100
        precision = "bfloat16"
        [optimizer]
        name = "lion"
        learning_rate = 1  # a whole number for a number
        [schedule]
        kind = "step"
        milestones = [50, 75]
        factor = [0.5, 0.1]
        [images]
        size = [32, 48]
        [stop]
        patience = 3
        [model]
        depths = [1, 2]
        """
    )
    recipe = load_recipe(path)
    assert recipe.name == "mine"
    assert recipe.optimizer == OptimizerSettings(name="lion", learning_rate=1.0)
    assert recipe.schedule.factors == (0.5, 0.1)
    assert recipe.images.size == (32, 48)
    assert recipe.stop.patience == 3
    assert recipe.model == {"depths": [1, 2]}
    assert recipe.whole_epochs(30).epochs == 4
    # As config.json of a run has it.
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


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
