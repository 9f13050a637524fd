"""The command as its users meet it: what it prints, and how it answers mistakes."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn import datasets

from keras_cnnzoo.cli.main import COMMANDS, main
from keras_cnnzoo.training import Run


def _digits():
    raw = datasets.load_digits()
    return (raw.images * 255 / 16).astype("uint8"), raw.target


@pytest.fixture(scope="module")
def npz(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "tiny.npz"
    images, labels = _digits()
    np.savez(
        path,
        x_train=images[:200],
        y_train=labels[:200],
        x_test=images[200:250],
        y_test=labels[200:250],
    )
    return path


@pytest.fixture(scope="module")
def run(npz, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    arguments = f"train mlp --data {npz} --epochs 2 --seed 3 --set hidden=[32]"
    assert main([*arguments.split(), "--out", str(folder)]) == 0
    return folder


def _json(capsys, *arguments):
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_training_ends_with_accuracy_and_folder(npz, tmp_path, capsys):
    folder = tmp_path / "run"
    arguments = ["train", "mlp", "--data", npz, "--epochs", "2", "--out", folder]
    assert main(list(map(str, arguments))) == 0
    lines = capsys.readouterr().out.splitlines()
    # No terminal: one line for each epoch, between the plan and what came out.
    assert lines[0].startswith("model      mlp, ")
    assert [line.split()[:2] for line in lines[10:12]] == [
        ["epoch", "1/2"],
        ["epoch", "2/2"],
    ]
    assert lines[12].startswith("test accuracy ")
    assert lines[13].startswith("balanced accuracy ")
    assert lines[14] == f"everything is in {folder}"


def test_training_prints_json_alone(npz, tmp_path, capsys):
    answer = _json(
        *(capsys, "train", "mlp", "--data", npz, "--epochs", 1, "--out", tmp_path / "a")
    )
    assert answer["folder"] == str(tmp_path / "a")
    assert answer == {"folder": answer["folder"], **Run.open(tmp_path / "a").results}


def test_what_was_asked_for_is_in_the_config(run, npz):
    config = Run.open(run).config
    assert config["seed"] == 3
    assert config["arguments"]["data"] == str(npz.resolve())
    assert config["recipe"]["model"] == {"hidden": [32]}
    assert Run.open(run).model.get_layer("dense1").units == 32


def test_evaluate_repeats_the_score_of_the_run(run, capsys):
    answer = _json(capsys, "evaluate", run)
    results = Run.open(run).results
    assert answer["data"] == "tiny"
    assert answer["count"] == 50
    assert answer["accuracy"] == results["accuracy"]
    assert answer["top5"] == results["top5"]
    # The validation images are held out again as they were in training.
    assert _json(capsys, "evaluate", run, "--split", "validation")[
        "accuracy"
    ] == pytest.approx(results["validation_accuracy"])


def test_evaluate_a_name_with_weights(npz, run, capsys):
    model = keras.saving.load_model(run / "model.keras")
    weights = run / "mlp.weights.h5"
    model.save_weights(weights)
    arguments = ["--weights", weights, "--data", npz]
    # A name has the family's own sizes, which these weights do not fit.
    assert main(["evaluate", "mlp", *map(str, arguments)]) == 2
    assert "dense1" in capsys.readouterr().err


def test_recipes_are_listed_shown_and_used(npz, tmp_path, capsys):
    assert main(["recipes"]) == 0
    names = capsys.readouterr().out.split()
    assert {"general", "digits", "lenet5_mnist", "cifar_resnet"} <= set(names)
    assert {each["name"] for each in _json(capsys, "recipes")} == set(names)
    assert _json(capsys, "recipes", "digits")["augment"]["rotate"] == 10
    assert main(["recipes", "digits"]) == 0
    mine = tmp_path / "mine.toml"
    mine.write_text(capsys.readouterr().out)
    arguments = f"train mlp --data {npz} --epochs 1 --set optimizer.name=lion"
    arguments += f" --set hidden=[32] --recipe {mine} --out {tmp_path / 'run'}"
    assert main(arguments.split()) == 0
    recipe = Run.open(tmp_path / "run").config["recipe"]
    assert (recipe["name"], recipe["epochs"]) == ("mine", 1)
    assert recipe["optimizer"]["name"] == "lion"
    assert recipe["model"] == {"hidden": [32]}
    assert recipe["augment"]["rotate"] == 10


def test_predict_names_the_likeliest_classes(run, tmp_path, capsys):
    image = tmp_path / "digit.png"
    Image.fromarray(_digits()[0][0]).save(image)
    answer = _json(capsys, "predict", run, image, image, "--top", 3)
    assert [one["image"] for one in answer] == [str(image)] * 2
    likeliest = answer[0]["predictions"]
    probabilities = [guess["probability"] for guess in likeliest]
    assert len(likeliest) == 3
    assert probabilities == sorted(probabilities, reverse=True)
    assert {guess["class"] for guess in likeliest} < set("0123456789")
    assert main(["predict", str(run), str(image)]) == 0
    assert str(image.name) in capsys.readouterr().out.replace("\n", "")


def test_explain_writes_a_page(run, tmp_path, capsys):
    image = tmp_path / "digit.png"
    Image.fromarray(_digits()[0][0]).save(image)
    page = tmp_path / "page.html"
    arguments = ["explain", str(run), str(image), "-o", str(page)]
    assert main([*arguments, "--attribution", "saliency"]) == 0
    assert capsys.readouterr().out.startswith(f"{page}: ")
    text = page.read_text()
    assert '"caption": "digit.png"' in text
    assert '"methods": {"saliency": "Saliency"}' in text
    assert main([*arguments, "--max-megabytes", "0.01"]) == 2
    assert "Give fewer images" in capsys.readouterr().err
    assert page.read_text() == text


def test_a_model_file_is_a_subject_too(run, tmp_path, capsys):
    image = tmp_path / "digit.png"
    Image.fromarray(_digits()[0][0]).save(image)
    of_run = _json(capsys, "predict", run, image)
    # The file of a run is the run; elsewhere it has no names.
    assert _json(capsys, "predict", run / "model.keras", image) == of_run
    alone = tmp_path / "alone.keras"
    alone.write_bytes((run / "model.keras").read_bytes())
    (answer,) = _json(capsys, "predict", alone, image)
    best = answer["predictions"][0]
    assert best["class"] in map(str, range(10))
    assert best["probability"] == of_run[0]["predictions"][0]["probability"]
    assert main(["evaluate", str(alone)]) == 2
    assert "with --data" in capsys.readouterr().err
    assert main(["predict", str(alone), str(image), "--weights", "x.h5"]) == 2
    assert "has its own weights" in capsys.readouterr().err


@pytest.fixture
def wrong(npz, run, tmp_path, monkeypatch):
    """Things that commands cannot work with, by name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("a file, not a folder")
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "bad.toml").write_text("[optimizer]\nmomentun = 0.9")
    images, labels = _digits()
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


def test_other_classes_are_not_compared(run, tmp_path, capsys):
    for name in ("cat", "dog"):
        folder = tmp_path / "photos" / "test" / name
        folder.mkdir(parents=True)
        Image.new("L", (8, 8)).save(folder / "a.png")
    assert main(["evaluate", str(run), "--data", str(tmp_path / "photos")]) == 2
    assert "and 'photos' has cat, dog." in capsys.readouterr().err


def test_a_corrupt_image_is_named_and_left_out(tmp_path, capsys):
    images, labels = _digits()
    for number in range(80):
        folder = tmp_path / "photos" / ("even" if labels[number] % 2 == 0 else "odd")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[number]).save(folder / f"{number}.jpg")
    broken = tmp_path / "photos" / "odd" / "1.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    answer = _json(
        *(capsys, "train", "mlp", "--data", tmp_path / "photos", "--epochs", 1),
        *("--out", tmp_path / "run"),
    )
    assert answer["split"] in ("test", "validation")
    assert set(answer["per_class"]) == {"even", "odd"}
    assert Run.open(tmp_path / "run").config["images"]["left_out"] == 1


def test_an_unforeseen_error_is_one_line_too(monkeypatch, capsys):
    def broken(*args, **kwargs):
        raise KeyError("inside\nout")

    monkeypatch.setattr("keras_cnnzoo.catalogue.read", broken)
    assert main(["show", "lenet5"]) == 2
    assert capsys.readouterr().err.startswith("cnnzoo: KeyError: 'inside\\nout'")
    monkeypatch.setenv("CNNZOO_TRACEBACK", "1")
    with pytest.raises(KeyError):
        main(["show", "lenet5"])


def test_ctrl_c_outside_of_training(monkeypatch, capsys):
    def stopped(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras_cnnzoo.catalogue.read", stopped)
    assert main(["show", "lenet5"]) == 130
    assert capsys.readouterr().err == "cnnzoo: Stopped.\n"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_help_has_an_example(command, capsys):
    name = command.__name__.rpartition(".")[2]
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"Example:\n  cnnzoo {name}" in capsys.readouterr().out
