"""Training at other image sizes than the test's, and what is done after it."""

import numpy as np
import pytest
from small_training import (
    KillAt,
    Killed,
    assert_same_weights,
    train_small,
)

from keras_cnnzoo.data import load
from keras_cnnzoo.internals.seeding import seed_everything
from keras_cnnzoo.training import (
    ImageSettings,
    Recipe,
    evaluate,
    layer_rates,
    recalibrate,
    train,
)
from keras_cnnzoo.training.compiling import rates_of
from keras_cnnzoo.training.inputs import load_to_train

SETTINGS = {
    "epochs": 3,
    "images.train_size": (12, 24),
    "images.flip_test": True,
    "augment.flip": "alternate",
    "recalibrate": 2,
    "optimizer.layer_decay": 0.5,
}


@pytest.fixture(scope="module")
def run(digits, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "whole"
    return train_small(digits, out=out, set=SETTINGS)


@pytest.mark.parametrize(
    ("size", "epochs", "sides"),
    [
        (None, 3, ()),
        (160, 3, (160,)),
        ((96, 128), 5, (96, 96, 112, 128, 128)),
        ((128, 224), 4, (128, 160, 192, 224)),
        ((100, 130), 3, (100, 112, 130)),
        ((64, 128), 1, (128,)),
        ((64, 128), 2, (64, 128)),
    ],
)
@pytest.mark.once
def test_sides_grow_in_multiples_of_16(size, epochs, sides):
    assert ImageSettings(train_size=size).train_sizes(epochs) == sides


def test_a_model_of_any_size_is_kept(run):
    assert run.model.input_shape == (None, None, None, 3)
    assert run.adapter.size == (16, 16)
    assert run.results["status"] == "finished"


def test_a_killed_training_of_growing_images_is_resumed_exactly(digits, run, tmp_path):
    out = tmp_path / "killed"
    given = {"out": out, "set": SETTINGS}
    with pytest.raises(Killed):
        train_small(digits, callbacks=[KillAt(1)], **given)
    with pytest.raises(ValueError, match="Pass the same `callbacks`"):
        train_small(digits, resume=out, **given)
    resumed = train_small(digits, resume=out, callbacks=[KillAt(None)], **given)
    assert_same_weights(resumed.model, run.model)
    assert resumed.results["loss"] == run.results["loss"]


def test_test_images_are_scored_with_their_mirror_images(digits, run):
    images, labels = digits["test"]
    test = load(
        {"test": (images, labels)}, image_size=16, fit=run.adapter, channels=3
    ).test
    pixels, _ = test.arrays()
    both = (pixels, pixels[:, :, ::-1])
    mean = sum(run.model.predict(x, verbose=0) for x in both) / 2
    scores = evaluate(run.model, test, flip=True)
    np.testing.assert_allclose(scores.probabilities, mean, atol=1e-6)
    assert scores.loss == pytest.approx(run.results["loss"], abs=1e-5)
    assert evaluate(run.model, test).loss != pytest.approx(scores.loss, abs=1e-5)


def test_statistics_are_those_of_further_batches(digits, run, tmp_path):
    plain = train_small(
        digits, out=tmp_path / "plain", set={**SETTINGS, "recalibrate": 0}
    )
    recipe = Recipe.from_dict(run.config["recipe"])
    train = load_to_train("cifar_resnet20", digits, recipe, seed=5).train
    batches = iter(train.rest(recipe.epochs, 0))
    seed_everything(run.config["seed"])
    assert_same_weights(recalibrate(plain.model, batches, 2), run.model)


def test_layers_train_at_the_rates_of_their_depth(run):
    settings = Recipe.from_dict(run.config["recipe"]).optimizer
    rates = rates_of(settings, run.model, fine_tunes=False)
    assert rates == layer_rates(run.model, 0.5)
    assert rates_of(Recipe().optimizer, run.model, fine_tunes=False) is None


@pytest.mark.once
@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        (
            {"images.train_size": 16},
            "built for images of any size, since `images.train_size`",
        ),
        ({"images.train_size": 0}, "`images.train_size` must be positive"),
        ({"steps": 10, "images.train_size": (8, 16)}, "counts steps"),
        ({"optimizer.layer_decay": 0}, "above 0, up to 1"),
        ({"recalibrate": -1}, "`recalibrate` must be 0 or positive"),
        ({"augment.flip": "never"}, "`augment.flip`"),
        ({"augment.randaugment.magnitude": 11}, "from 0 to 10"),
    ],
)
def test_settings_out_of_range_are_refused(changes, answer):
    with pytest.raises(ValueError, match=answer):
        train("lenet5", set=changes)
