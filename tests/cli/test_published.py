"""Published weights give their published accuracy through the command."""

import json

import pytest

from keras_cnnzoo.cli.main import main


@pytest.mark.parametrize(
    ("name", "file", "accuracy"),
    [
        ("cifar_resnet20", "resnet20-12fca82f.th", 0.94),
        ("cifar_resnet56", "resnet56-4bfd9763.th", 0.96),
    ],
)
def test_cifar_resnets_score_as_published(name, file, accuracy, shared, capsys):
    weights = shared / "akamaster_resnet_cifar10" / file
    data = shared / "cifar10_lossless" / "cifar10_lossless.npz"
    arguments = ["--weights", str(weights), "--data", str(data), "--split", "test100"]
    assert main(["evaluate", name, *arguments, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["accuracy"] == pytest.approx(accuracy)
    assert scores["count"] == 100
