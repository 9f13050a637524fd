"""`train` looks for a learning rate, trains with it, and keeps it."""

import numpy as np
import pytest
from small_training import KillAt, Killed, assert_same_weights, train_small

from keras_cnnzoo.cli.main import main
from keras_cnnzoo.training import LearningRates, Recipe, Run, rate_search, run

RECIPE = Recipe(epochs=2, batch_size=32)
pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def found(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("found")
    return train_small(digits, recipe=RECIPE, find_rate=True, out=folder)


def test_a_run_trains_with_the_rate_that_was_found(digits, found, tmp_path):
    rate = found.config["found_rate"]["suggestion"]
    assert 1e-4 < rate < 0.5
    assert found.config["recipe"]["optimizer"]["learning_rate"] == rate
    assert (found.folder / "learning_rates.png").is_file()
    plain = train_small(
        digits, recipe=RECIPE, learning_rate=rate, out=tmp_path / "plain"
    )
    assert_same_weights(found.model, plain.model)
    assert plain.config["found_rate"] is None


def test_a_resumed_run_does_not_look_again(digits, found, tmp_path, monkeypatch):
    given = {"recipe": RECIPE, "find_rate": True}
    with pytest.raises(Killed):
        train_small(
            digits, out=tmp_path, callbacks=[KillAt(1, 2)], save_every=0, **given
        )
    monkeypatch.delattr(run, "with_found_rate")
    again = train_small(digits, resume=tmp_path, callbacks=[KillAt(None)], **given)
    assert_same_weights(again.model, found.model)
    assert again.config["found_rate"] == found.config["found_rate"]


@pytest.mark.parametrize("way", ["probe", "gradual"])
def test_the_rate_is_that_of_the_transfer(digits, found, tmp_path, way):
    tuned = train_small(
        digits,
        recipe=RECIPE,
        weights=found.folder,
        transfer=way,
        find_rate=True,
        out=tmp_path / "run",
    )
    rate = tuned.config["found_rate"]["suggestion"]
    assert rate is None or 1e-6 < rate < 1
    assert tuned.results["status"] == "finished"


def test_where_no_rate_helps_that_of_the_recipe_stays(digits, tmp_path, monkeypatch):
    losses = np.array([1.0, 1.1])
    flat = LearningRates(np.array([0.1, 1.0]), losses, losses, None, None)
    monkeypatch.setattr(rate_search, "find_learning_rate", lambda *_, **__: flat)
    kept = train_small(
        digits, recipe=RECIPE, epochs=1, find_rate=True, out=tmp_path / "run"
    )
    assert kept.config["recipe"]["optimizer"]["learning_rate"] == 1e-3
    assert kept.config["found_rate"] == {"suggestion": None, "steepest": None}


def test_one_rate_is_enough(digits):
    with pytest.raises(ValueError, match="Give one of them"):
        train_small(digits, find_rate=True, learning_rate=0.1)
    with pytest.raises(ValueError, match="Give one of them"):
        train_small(digits, find_rate=True, set={"optimizer.learning_rate": 0.1})


def test_the_command(tmp_path, capsys):
    folder = tmp_path / "run"
    main(["train", "lenet5", "--find-rate", "--epochs", "1", "--out", str(folder)])
    rate = Run.open(folder).config["found_rate"]["suggestion"]
    shown = capsys.readouterr().out
    assert f"found the learning rate {rate:g}" in shown
    assert f"adamw, learning rate {rate:g}" in shown
