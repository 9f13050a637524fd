"""The command as its users meet it: what it prints, and how it answers mistakes."""

import keras
import pytest
from PIL import Image

from keras_cnnzoo.cli.main import COMMANDS, main
from keras_cnnzoo.training import Run


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


def test_training_prints_json_alone(npz, tmp_path, json_of):
    answer = json_of(
        *("train", "mlp", "--data", npz, "--epochs", 1, "--out", tmp_path / "a")
    )
    assert answer["folder"] == str(tmp_path / "a")
    assert answer == {"folder": answer["folder"], **Run.open(tmp_path / "a").results}


def test_what_was_asked_for_is_in_the_config(run, npz):
    config = Run.open(run).config
    assert config["seed"] == 3
    assert config["arguments"]["data"] == str(npz.resolve())
    assert config["recipe"]["model"] == {"hidden": [32]}
    assert Run.open(run).model.get_layer("dense1").units == 32


def test_evaluate_repeats_the_score_of_the_run(run, json_of):
    answer = json_of("evaluate", run)
    results = Run.open(run).results
    assert answer["data"] == "tiny"
    assert answer["count"] == 50
    assert answer["accuracy"] == results["accuracy"]
    assert answer["top5"] == results["top5"]
    # The validation images are held out again as they were in training.
    assert json_of("evaluate", run, "--split", "validation")[
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


def test_recipes_are_listed_shown_and_used(npz, tmp_path, capsys, json_of):
    assert main(["recipes"]) == 0
    names = capsys.readouterr().out.split()
    assert {"general", "digits", "lenet5_mnist", "cifar_resnet"} <= set(names)
    assert {each["name"] for each in json_of("recipes")} == set(names)
    assert json_of("recipes", "digits")["augment"]["rotate"] == 10
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


def test_predict_names_the_likeliest_classes(run, tmp_path, capsys, json_of, digits):
    image = tmp_path / "digit.png"
    Image.fromarray(digits[0][0]).save(image)
    answer = json_of("predict", run, image, image, "--top", 3)
    assert [one["image"] for one in answer] == [str(image)] * 2
    likeliest = answer[0]["predictions"]
    probabilities = [guess["probability"] for guess in likeliest]
    assert len(likeliest) == 3
    assert probabilities == sorted(probabilities, reverse=True)
    assert {guess["class"] for guess in likeliest} < set("0123456789")
    assert main(["predict", str(run), str(image)]) == 0
    assert str(image.name) in capsys.readouterr().out.replace("\n", "")


def test_explain_writes_a_page(run, tmp_path, capsys, digits):
    image = tmp_path / "digit.png"
    Image.fromarray(digits[0][0]).save(image)
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


def test_a_model_file_is_a_subject_too(run, tmp_path, capsys, json_of, digits):
    image = tmp_path / "digit.png"
    Image.fromarray(digits[0][0]).save(image)
    of_run = json_of("predict", run, image)
    # The file of a run is the run; elsewhere it has no names.
    assert json_of("predict", run / "model.keras", image) == of_run
    alone = tmp_path / "alone.keras"
    alone.write_bytes((run / "model.keras").read_bytes())
    (answer,) = json_of("predict", alone, image)
    best = answer["predictions"][0]
    assert best["class"] in map(str, range(10))
    assert best["probability"] == of_run[0]["predictions"][0]["probability"]
    assert main(["evaluate", str(alone)]) == 2
    assert "with --data" in capsys.readouterr().err
    assert main(["predict", str(alone), str(image), "--weights", "x.h5"]) == 2
    assert "has its own weights" in capsys.readouterr().err


def test_other_classes_are_not_compared(run, tmp_path, capsys):
    for name in ("cat", "dog"):
        folder = tmp_path / "photos" / "test" / name
        folder.mkdir(parents=True)
        Image.new("L", (8, 8)).save(folder / "a.png")
    assert main(["evaluate", str(run), "--data", str(tmp_path / "photos")]) == 2
    assert "and 'photos' has cat, dog." in capsys.readouterr().err


def test_a_corrupt_image_is_named_and_left_out(tmp_path, json_of, digits):
    images, labels = digits
    for number in range(80):
        folder = tmp_path / "photos" / ("even" if labels[number] % 2 == 0 else "odd")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[number]).save(folder / f"{number}.jpg")
    broken = tmp_path / "photos" / "odd" / "1.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    answer = json_of(
        *("train", "mlp", "--data", tmp_path / "photos", "--epochs", 1),
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
