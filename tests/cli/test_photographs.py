"""A folder of photographs, from training on it to what people read of the answers."""

import shutil

import numpy as np
import pytest
from PIL import Image

from keras_cnnzoo import build
from keras_cnnzoo.cli.main import main
from keras_cnnzoo.cli.words import in_shell_words
from keras_cnnzoo.training import Run
from keras_cnnzoo.weights import save_safetensors

#: Two of ImageNet's classes, by which its folders are named.
TENCH, SPRINGER = "n01440764", "n02102040"


def _photos(home, counts, rng, size=(20, 24)):
    for place, (name, count) in enumerate(counts.items()):
        (home / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 60, (*size, 3)) + 90 * place
            Image.fromarray(pixels.astype("uint8")).save(home / name / f"{number}.png")
    return home


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    home = tmp_path_factory.mktemp("data") / "photos"
    return _photos(home, {TENCH: 20, SPRINGER: 20}, np.random.default_rng(0))


@pytest.fixture(scope="module")
def run(photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "photos"
    arguments = f"train mlp --data {photos} --epochs 2 --set hidden=[8]"
    assert main([*arguments.split(), "--out", str(folder)]) == 0
    return folder


def _error(capsys, *arguments):
    capsys.readouterr()
    assert main(list(map(str, arguments))) == 2
    return capsys.readouterr().err


def test_a_run_is_scored_as_its_training_was_watched(run, photos, capsys, json_of):
    results = Run.open(run).results
    for given in ((), ("--data", photos)):
        answer = json_of("evaluate", run, *given)
        assert answer["split"] == "validation"
        assert answer["count"] == 4
        assert answer["accuracy"] == results["accuracy"]
        assert answer["per_class"].keys() == {TENCH, SPRINGER}
        assert answer["names"][SPRINGER] == "English springer"
    main(["evaluate", str(run)])
    shown = capsys.readouterr().out
    assert "balanced accuracy" in shown
    assert "English springer" in shown


def test_a_validation_folder_stands_for_a_missing_test(tmp_path, rng, json_of):
    home = tmp_path / "parted"
    for split, count in (("train", 10), ("validation", 3)):
        _photos(home / split, {"a": count, "b": count}, rng)
    folder = tmp_path / "run"
    train = f"train mlp --data {home} --epochs 1 --out {folder} --set hidden=[8]"
    assert main(train.split()) == 0
    assert json_of("evaluate", folder)["count"] == 6
    assert json_of("evaluate", folder, "--data", home)["split"] == "validation"


def test_folders_are_predicted_and_explained(run, photos, tmp_path, capsys, json_of):
    home = tmp_path / "new"
    shutil.copytree(photos / TENCH, home / "deep" / "er")
    (home / "notes.txt").write_text("no image")
    shutil.copy(photos / SPRINGER / "0.png", home / "0.png")
    answers = json_of("predict", run, home, photos / SPRINGER / "1.png")
    assert len(answers) == 1 + 20 + 1
    assert answers[0]["image"] == str(home / "0.png")
    guess = answers[0]["predictions"][0]
    assert {TENCH: "tench", SPRINGER: "English springer"}[guess["class"]] == (
        guess["name"]
    )
    assert main(["predict", str(run), str(home)]) == 0
    shown = capsys.readouterr()
    assert "Left out of" in shown.err
    assert "notes.txt" in shown.err
    assert "English springer" in shown.out
    assert SPRINGER in shown.out
    (tmp_path / "none").mkdir()
    assert "no image that can be read" in _error(
        capsys, "predict", run, tmp_path / "none"
    )
    page = tmp_path / "page.html"
    few = photos / SPRINGER / "0.png"
    explain = ["explain", run, few, "-o", page, "--attribution", "saliency"]
    assert main(list(map(str, explain))) == 0
    assert f"English springer ({SPRINGER})" in page.read_text()


def test_the_weights_of_a_run_are_its_model(run, photos, tmp_path, capsys, json_of):
    image = photos / TENCH / "0.png"
    of_run = json_of("predict", run, image)
    assert json_of("predict", "mlp", "--weights", run, image) == of_run
    assert json_of("evaluate", "mlp", "--weights", run)["count"] == 4
    assert "is a run of 'mlp'" in _error(
        capsys, "predict", "lenet5", "--weights", run, image
    )
    folder = tmp_path / "further"
    options = ["--weights", run, "--epochs", 1, "--out", folder, "--set", "hidden=[8]"]
    assert json_of("train", "mlp", "--data", photos, *options)["epochs"] == 1
    config = Run.open(folder).config
    assert config["arguments"]["weights"] == str(run.resolve())


def test_classes_are_named_by_a_file(run, photos, tmp_path, capsys, json_of):
    image = photos / TENCH / "0.png"
    names = tmp_path / "names.txt"
    names.write_text("fish\ndog\n")
    answer = json_of("predict", run, image, "--class-names", names)
    shown = {guess["class"]: guess["name"] for guess in answer[0]["predictions"]}
    assert shown == {TENCH: "fish", SPRINGER: "dog"}
    names.write_text("fish\n")
    assert "has 1 names" in _error(
        capsys, "predict", run, image, "--class-names", names
    )
    # Beside the data it is found by itself, and the run keeps it.
    home = tmp_path / "named"
    shutil.copytree(photos, home)
    (home / "classes.csv").write_text(f"id,name\n{SPRINGER},dog\n{TENCH},fish\n")
    folder = tmp_path / "run"
    train = f"train mlp --data {home} --epochs 1 --out {folder} --set hidden=[8]"
    assert main(train.split()) == 0
    assert "dog" in capsys.readouterr().out
    assert Run.open(folder).display_names == ("fish", "dog")
    assert Run.open(folder).class_names == (TENCH, SPRINGER)


def test_networks_of_imagenet_answer_in_english(tmp_path, json_of):
    model = build("squeezenet1_1", input_shape=(64, 64, 3))
    path = tmp_path / "net.keras"
    model.save(path)
    image = tmp_path / "a.png"
    Image.new("RGB", (70, 60), "green").save(image)
    guess = json_of("predict", path, image)[0]["predictions"][0]
    assert guess["class"].startswith("n0")
    assert not guess["name"].startswith("n0")


def test_a_source_goes_with_a_file(capsys, photos):
    lone = ("train", "squeezenet1_1", "--data", photos, "--source", "deepscale/x")
    assert "give the file with --weights" in _error(capsys, *lone)
    both = (*lone, "--weights", "gone.npz")
    assert "has no weights 'deepscale/x'" in _error(capsys, *both)


def test_what_cannot_be_fetched_is_said_in_words_of_the_shell(capsys, photos):
    tag = "deepscale/squeezenet_v1.1"
    train = ("train", "squeezenet1_1", "--data", photos, "--weights", tag)
    error = _error(capsys, *train)
    assert "--weights FILE --source TAG" in error
    assert "weights=" not in error


def test_a_file_that_tells_no_source_is_answered_in_words_of_the_shell(
    capsys, photos, tmp_path
):
    path, image = tmp_path / "theirs.safetensors", photos / TENCH / "0.png"
    save_safetensors(build("squeezenet1_1"), path, names="torchvision")
    for before, after in (
        (["train", "squeezenet1_1"], ["--data", photos]),
        (["evaluate", "squeezenet1_1"], ["--data", photos]),
        (["predict", "squeezenet1_1"], [image]),
        (["explain", "squeezenet1_1"], [image]),
    ):
        error = _error(capsys, *before, "--weights", path, *after)
        assert "Give --weights FILE --source TAG with one of: deepscale/" in error
        assert "weights=" not in error
        lone = _error(capsys, *before, "--source", "deepscale/x", *after)
        assert "give the file with --weights" in lone


@pytest.mark.once
@pytest.mark.parametrize(
    ("python", "shell"),
    [
        ("pass weights=(tag, path) for", "give --weights FILE --source TAG for"),
        ("Pass weights=(tag, path) for", "Give --weights FILE --source TAG for"),
        ("Pass `(tag, path)`.", "Pass --weights FILE --source TAG."),
        (
            "such as weights=('a/b', 'x.npz')",
            "such as --weights FILE --source a/b",
        ),
        ("`batch_size` must be", "--batch-size must be"),
        ("such as image_size=224.", "such as --image-size 224."),
        ("by list_models(task='classification').", "by `cnnzoo list`."),
    ],
)
def test_python_is_put_into_words_of_the_shell(python, shell):
    assert in_shell_words(python) == shell
