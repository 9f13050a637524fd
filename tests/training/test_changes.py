"""Settings of a recipe, and options of the model, are changed by dotted name."""

import dataclasses

import pytest

from keras_cnnzoo.training import Recipe, load_recipe
from keras_cnnzoo.training.choosing import as_changes

pytestmark = pytest.mark.once


def test_settings_are_changed_by_dotted_name():
    before = load_recipe("cifar_resnet")
    after = before.replace(
        {"optimizer.learning_rate": 0.05, "epochs": 3, "augment.cutout": 8}
    )
    assert after.optimizer == dataclasses.replace(before.optimizer, learning_rate=0.05)
    assert (after.epochs, after.steps) == (3, None)
    assert (after.augment.cutout, after.augment.crop_pad) == (8, 4)
    assert after.replace({"steps": 10}).total_steps(7) == 10
    assert before.replace({"augment": None}).augment is None
    assert before.replace({"stop.patience": 2}).stop.patience == 2
    assert before.replace({}) == before


def test_another_optimizer_drops_what_it_does_not_have():
    recipe = load_recipe("wrn_cifar").replace({"optimizer.name": "adamw"})
    assert recipe.optimizer.momentum is recipe.optimizer.nesterov is None
    assert recipe.optimizer.weight_decay == 5e-4
    assert load_recipe("wrn_cifar").replace({"schedule.kind": "cosine"}).epochs == 200
    with pytest.raises(ValueError, match=r"`optimizer\.momentum` does nothing"):
        recipe.replace({"optimizer.name": "lamb", "optimizer.momentum": 0.9})


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("optimizer.momentun", "Did you mean `optimizer.momentum`"),
        ("epochs.x", "`epochs.x` is unknown"),
        ("name", "describes a recipe"),
    ],
)
def test_an_unknown_change_is_answered(key, answer):
    with pytest.raises(ValueError, match=answer):
        Recipe().replace({key: 1})


def test_a_change_may_be_for_the_model():
    changes = as_changes("lenet5", {"pool": "max", "epochs": 3, "model.head": "rbf"})
    assert changes == {"model.pool": "max", "epochs": 3, "model.head": "rbf"}
    recipe = Recipe(model={"pool": "l2"}).replace(changes)
    assert recipe.model == {"pool": "max", "head": "rbf"}


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        (
            "learning_rate",
            "'lenet5' has no option 'learning_rate'.*`optimizer.learning",
        ),
        ("pol", "Did you mean `pool`"),
        ("xyz", "Options: activation, head, partial, pool"),
    ],
)
def test_a_change_for_nobody_is_answered(key, answer):
    with pytest.raises(ValueError, match=answer):
        as_changes("lenet5", {key: 1})
