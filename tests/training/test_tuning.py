"""The search for a recipe: what it tries, and that it loses nothing."""

import json
import pickle
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console
from small_training import MODEL, KillAt, Killed, assert_same_weights

from keras_cnnzoo.cli.main import main
from keras_cnnzoo.training import Recipe, Run, load_recipe, train, tune, tuning
from keras_cnnzoo.training.recipe import ABOUT
from keras_cnnzoo.training.recipe_file import recipe_toml
from keras_cnnzoo.training.recipes import recipe_entries
from keras_cnnzoo.training.search_space import Choice, Range, read_space

RECIPE = Recipe(epochs=1, batch_size=32)
SEARCH = {"augment.flip": [True, False], "batch_size": "16..64"}
pytestmark = pytest.mark.once


def _tune(digits, folder, **kwargs):
    given = {"console": Console(quiet=True), "seed": 5, "recipe": RECIPE, **MODEL}
    return tune(data=digits, out=folder, **given | {"search": SEARCH} | kwargs)


@pytest.fixture(scope="module")
def whole(digits, tmp_path_factory):
    return _tune(digits, tmp_path_factory.mktemp("whole"), trials=3)


def _tried(tuning):
    return [(t.number, dict(t.settings), t.validation_accuracy) for t in tuning.trials]


def test_each_trial_is_a_run_and_validation_decides(whole):
    for trial in whole.trials:
        run = Run.open(trial.folder)
        assert trial.validation_accuracy == run.results["validation_accuracy"]
        recipe = Recipe.from_dict(run.config["recipe"])
        assert (
            recipe.optimizer.learning_rate == trial.settings["optimizer.learning_rate"]
        )
        assert recipe.batch_size == trial.settings["batch_size"]
    accuracies = [trial.validation_accuracy for trial in whole.trials]
    assert whole.best.validation_accuracy == max(accuracies)


def test_the_first_trial_has_the_recipe_of_its_own(whole):
    first = whole.trials[0].settings
    assert first["optimizer.learning_rate"] == RECIPE.optimizer.learning_rate
    assert first["batch_size"] == RECIPE.batch_size


def test_the_best_recipe_trains_as_the_best_trial(digits, whole, tmp_path):
    run = train(
        data=digits,
        recipe=whole.recipe_file,
        seed=5,
        out=tmp_path / "run",
        console=Console(quiet=True),
        **MODEL,
    )
    assert_same_weights(run.model, Run.open(whole.best.folder).model)


def test_an_interrupted_search_ends_as_an_undisturbed_one(
    digits, whole, tmp_path, monkeypatch
):
    ended = []

    def killed(*args, **kwargs):
        if len(ended) == 1:
            kwargs["callbacks"] = [KillAt(0, 2)]
        ended.append(args)
        return train(*args, save_every=0, **kwargs)

    monkeypatch.setattr(tuning, "train", killed)
    with pytest.raises(Killed):
        _tune(digits, tmp_path, trials=3)
    monkeypatch.setattr(
        tuning,
        "train",
        lambda *args, **kwargs: train(
            *args, callbacks=[KillAt(None)] * ("resume" in kwargs), **kwargs
        ),
    )
    assert _tried(_tune(digits, tmp_path, trials=3)) == _tried(whole)
    assert _tried(_tune(digits, tmp_path, trials=3)) == _tried(whole)


def test_nothing_is_pickled(digits, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("pickled")

    for name in ("dumps", "loads", "dump", "load"):
        monkeypatch.setattr(pickle, name, refuse)
    _tune(digits, tmp_path, trials=1)
    lines = (tmp_path / tuning.JOURNAL).read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_a_search_has_an_end(digits, tmp_path):
    with pytest.raises(ValueError, match="needs an end"):
        _tune(digits, tmp_path)
    assert len(_tune(digits, tmp_path, minutes=0).trials) == 1


def test_trials_that_diverge_are_told_as_failed(digits, tmp_path):
    search = {"optimizer.learning_rate": "1e37..1e38"}
    found = _tune(
        digits, tmp_path, trials=1, search=search, set={"optimizer.name": "sgd"}
    )
    assert found.best is None
    assert [t.validation_accuracy for t in found.trials] == [None]


def test_another_search_is_not_mixed_in(digits, whole):
    with pytest.raises(ValueError, match="has other `search`"):
        _tune(digits, whole.folder, trials=4, search={})
    with pytest.raises(ValueError, match="has other `arguments`"):
        _tune(digits, whole.folder, trials=4, seed=6)


def test_a_folder_is_of_one_model(digits, tmp_path):
    _tune(digits, tmp_path, trials=0)
    with pytest.raises(ValueError, match="has other `model`: cifar_resnet20"):
        _tune(digits, tmp_path, trials=0, name="lenet5")


def test_settings_that_exclude_each_other_end_no_search(digits, tmp_path, monkeypatch):
    answers = iter([0.5, ValueError("both"), 0.6])

    def train(*_, **__):
        answer = next(answers)
        if isinstance(answer, ValueError):
            raise answer
        return SimpleNamespace(results={"validation_accuracy": answer})

    monkeypatch.setattr(tuning, "train", train)
    monkeypatch.setattr(tuning._Search, "_write_best", lambda self: None)
    found = _tune(digits, tmp_path, trials=3)
    assert [t.validation_accuracy for t in found.trials] == [0.5, None, 0.6]


def test_the_best_recipe_is_written_if_the_last_call_could_not(digits, whole):
    before = whole.recipe_file.read_text()
    whole.recipe_file.unlink()
    _tune(digits, whole.folder, trials=3)
    assert whole.recipe_file.read_text() == before


def test_a_search_runs_in_one_process(digits, tmp_path):
    with pytest.raises(ValueError, match="in one process"):
        _tune(digits, tmp_path, trials=1, hosts="10.0.0.1:7777,2,0")


@pytest.mark.parametrize(
    ("search", "error", "message"),
    [
        ({"optimizer.learning": "1..2"}, ValueError, "optimizer.learning_rate"),
        ({"batch_size": "0..8"}, ValueError, "`batch_size` must be positive"),
        ({"epochs": "3..x"}, ValueError, "in a range such as"),
        ({"epochs": "3..2"}, ValueError, "in a range such as"),
        ({"classes": "2,3"}, TypeError, "decided by the data"),
    ],
)
def test_what_cannot_be_searched_is_refused_first(
    digits, tmp_path, search, error, message
):
    with pytest.raises(error, match=message):
        _tune(digits, tmp_path / "new", trials=1, search=search)
    assert not (tmp_path / "new").exists()


def test_ranges_and_choices():
    space = read_space(
        {"a": "1e-4..1e-1", "b": "1..8", "c": "0.0..0.4", "d": "true,x,2,null"}
    )
    assert space == {
        "a": Range(1e-4, 0.1),
        "b": Range(1, 8),
        "c": Range(0.0, 0.4),
        "d": Choice((True, "x", 2, None)),
    }
    assert [space[name].is_wide for name in "abc"] == [True, False, False]
    assert [space[name].is_whole for name in "abc"] == [False, True, False]


@pytest.mark.parametrize(
    "recipe", [each.recipe for each in recipe_entries()], ids=lambda r: r.name
)
def test_a_recipe_comes_back_from_its_text(recipe, tmp_path):
    recipe = recipe.replace({"model.pool": "max", "model.blocks": [1, 2]})
    file = tmp_path / "again.toml"
    file.write_text(recipe_toml(recipe))
    ours, theirs = load_recipe(file).to_dict(), recipe.to_dict()
    about = {*ABOUT} - {"source"} | ({"epochs"} if recipe.steps else set())
    for name in set(theirs) - about:
        assert ours[name] == theirs[name], name


def test_without_optuna_it_says_how_to_install_it(digits, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"pip install 'keras-cnnzoo\[tune\]'"):
        _tune(digits, tmp_path, trials=1)


def test_the_command(tmp_path, capsys):
    folder = tmp_path / "search"
    command = ["tune", "lenet5", "--epochs", "1", "--out", str(folder)]
    command += ["--search", "pool=max,avg"]
    assert main([*command, "--trials", "1"]) == 0
    shown = capsys.readouterr().out
    assert "trial 1 of 1: optimizer.learning_rate 0.003" in shown
    assert f"cnnzoo train lenet5 --recipe {folder / 'best.toml'}" in shown
    assert main([*command, "--trials", "1", "--json"]) == 0
    (trial,) = json.loads(capsys.readouterr().out)["trials"]
    assert trial["settings"]["model.pool"] in ("max", "avg")
    assert main(command) == 2
    assert "needs an end" in capsys.readouterr().err
