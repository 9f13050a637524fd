"""What the TOML file of a recipe may say, and what is answered to a wrong one."""

import json

import pytest

from keras_cnnzoo.training import OptimizerSettings, Recipe, load_recipe

pytestmark = pytest.mark.once

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
