"""A command answers each mistake in one line, before it begins anything."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_cnnzoo.cli.main import main


@pytest.fixture
def wrong(npz, run, tmp_path, monkeypatch, digits):
    """Things that commands cannot work with, by name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("a file, not a folder")
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "bad.toml").write_text("[optimizer]\nmomentun = 0.9")
    images, labels = digits
    Image.fromarray(images[0]).save(tmp_path / "digit.png")
    two_channels = np.stack([images[:40]] * 2, axis=-1)
    np.savez(tmp_path / "two.npz", x_train=two_channels, y_train=labels[:40])
    np.savez(tmp_path / "one.npz", x_train=images[:40], y_train=np.zeros(40, int))
    return {"npz": npz, "run": run}


MISTAKES = {
    "unknown model": ("train lenet6", "'lenet6'. Did you mean 'lenet5'"),
    "unknown option": ("train lenet5 --set pol=max", "no option 'pol'"),
    "unknown flag": ("train lenet5 --foo", "unrecognized arguments: --foo"),
    "unknown command": ("trian lenet5", "invalid choice: 'trian'"),
    "no command": ("", "COMMAND"),
    "no value": ("train lenet5 --set pool", "expected KEY=VALUE"),
    "no number": ("train lenet5 --epochs many", "invalid int value: 'many'"),
    "no epochs": ("train mlp --epochs 0", "--epochs must be positive"),
    "small images": ("train lenet5 --image-size 4", "(4, 4, 1)"),
    "two channels": ("train mlp --data two.npz", "2 channels"),
    "one class": ("train mlp --data one.npz", "only one class"),
    "empty folder": ("train mlp --data empty", "empty"),
    "unknown recipe": ("train mlp --recipe minst", "No recipe is named 'minst'"),
    "no recipe file": ("train mlp --recipe gone.toml", "There is no file gone.toml"),
    "bad recipe file": (
        "train mlp --recipe bad.toml",
        "bad.toml: `optimizer.momentun` is unknown. Did you mean `optimizer.momentum`",
    ),
    "unknown setting": (
        "train mlp --set optimizer.momentun=0.9",
        "`optimizer.momentun` is unknown. Did you mean `optimizer.momentum`",
    ),
    "setting without its section": (
        "train mlp --set weight_decay=0.1",
        "Did you mean `optimizer.weight_decay`",
    ),
    "setting of another type": (
        "train mlp --set optimizer.learning_rate=fast",
        "`optimizer.learning_rate` is a number. Received: 'fast'",
    ),
    "no recipe to show": ("recipes minst", "No recipe is named 'minst'"),
    "unwritable": ("train mlp --out file/run", "at file/run: Not a directory"),
    "no folder": ("train mlp --out file", "at file: File exists"),
    "unknown layer": ("train lenet5 --freeze c9", "no layer or stage 'c9'"),
    "no weights": ("train lenet5 --weights gone.h5", "gone.h5"),
    "no model": ("list lenet9*", "No model matches 'lenet9*'"),
    "untrained": ("evaluate lenet5", "--weights"),
    "no run": ("evaluate empty", "empty is no run folder"),
    "run gone": ("evaluate runs/gone", "runs/gone is no run folder"),
    "no data": ("evaluate {run} --data no_such_file.npz", "no_such_file.npz"),
    "unknown split": ("evaluate {run} --split tset", "no split 'tset'"),
    "other classes": ("evaluate {run} --data one.npz --split tset", "no split"),
    "no image": ("predict {run} text.png", "text.png cannot be read as an image"),
    "image gone": ("predict {run} gone.png", "There is no file gone.png"),
    "no model file": ("explain gone.keras text.png", "There is no file gone.keras"),
    "no page": ("explain {run} text.png -o gone/a.html", "There is no folder gone"),
    "no method": (
        "explain {run} digit.png --attribution cam",
        "no attribution method 'cam'",
    ),
    "top 0": ("predict {run} text.png --top 0", "--top is at least 1"),
}


@pytest.mark.parametrize(("line", "answer"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_answered_in_one_line(wrong, capsys, line, answer):
    arguments = line.format(**wrong).split()
    try:
        code = main(arguments)
    except SystemExit as ended:  # argparse leaves by itself
        code = ended.code
    error = capsys.readouterr().err
    assert code == 2
    assert error.count("\n") == 1
    assert error.startswith("cnnzoo")
    assert answer in error
    # Nothing was begun.
    assert not Path("runs").exists()
