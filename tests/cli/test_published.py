"""The scores on the cards come out again when their commands are run."""

import json

import pytest

from keras_cnnzoo import card
from keras_cnnzoo.cli.main import main
from keras_cnnzoo.registry.results import results

COMMANDS = {
    result.command: name for name, found in results().items() for result in found
}
#: Run on every backend.
SPREAD = ("cifar_resnet20", "mlperf_resnet8")


def _marks(command):
    quick = COMMANDS[command] in SPREAD and "test100" in command
    return () if quick else pytest.mark.once


def _arguments(command, folder):
    """Put where the files are on this machine in place of their names."""
    places = {path.name: str(path) for path in folder.glob("**/*")}
    _, verb, model, *options = command.split()
    return [verb, model, *(places.get(word, word) for word in options)]


@pytest.mark.parametrize(
    "command", [pytest.param(command, marks=_marks(command)) for command in COMMANDS]
)
def test_commands_print_what_cards_say(command, shared, tmp_path, capsys):
    arguments = _arguments(command, shared)
    table = tmp_path / "results.csv"
    assert main([*arguments, "--json", "--record", str(table)]) == 0
    scores = json.loads(capsys.readouterr().out)
    stated = {
        result.metric.partition(" ")[0]: result
        for result in card(COMMANDS[command]).results
        if result.command == command
    }
    for kind, score in (("top-1", scores["accuracy"]), ("top-5", scores["top5"])):
        assert 100 * score == pytest.approx(stated[kind].value)
        assert f"{scores['count']:,} images" in stated[kind].metric
    # What it writes are the rows that the cards were made from, but for the date.
    text = table.read_text()
    assert all(f",{command}," in line for line in text.splitlines()[1:])


@pytest.mark.once
def test_only_published_weights_are_recorded_and_only_into_such_a_table(
    tmp_path, capsys, shared
):
    assert main(["evaluate", str(tmp_path), "--record", "x.csv"]) != 0
    table = tmp_path / "other.csv"
    table.write_text("a,b\n")
    command = next(command for command in COMMANDS if "resnet8" in command)
    assert main([*_arguments(command, shared), "--record", str(table)]) != 0
    assert "no table of results" in capsys.readouterr().err
    assert table.read_text() == "a,b\n"
