"""Every example runs from its first line to its last, and says how well it did."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
pytestmark = pytest.mark.once


def _run(path, folder, *arguments):
    return subprocess.run(
        [sys.executable, str(path), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("attribution.py", r"^digits.png: the image that each class responds to most$"),
        ("distillation.py", r"^student mlp, labels of 200: \d+\.\d\d%$"),
        ("drop_in_layers.py", r"^conv, after 46 batches"),
        ("explain.py", r"^report.html: \d\.\d MB, open it in a browser$"),
        ("train_by_name.py", r"^digits: images \(32, 32, 1\), 10 classes"),
        # TensorFlow takes long to trace the example's own network six times.
        (
            "transfer.py --model squeezenet1_1 --side 32",
            r"mismatched: head/kernel, head/bias$",
        ),
    ],
)
def test_example_ends_with_its_accuracy(name, says, tmp_path):
    script, *options = name.split()
    done = _run(EXAMPLES / script, tmp_path, *options, "--epochs", "1")
    assert done.returncode == 0, done.stderr
    assert re.search(says, done.stdout, re.MULTILINE), done.stdout
    *_, last = done.stdout.splitlines()
    share = re.match(r"test accuracy (\d+\.\d\d)% of \d+ (digits|images)", last)
    assert share, last
    assert 0 <= float(share[1]) <= 100


def test_the_sums_come_out(tmp_path):
    done = _run(EXAMPLES / "arithmetic.py", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "neurons: 10,000,000 connections" in done.stdout
    assert "326,520 multiply-accumulates" in done.stdout
    assert "c5: receptive field 32, stride 4" in done.stdout
    found = re.search(r"gradient (\S+), measured (\S+)", done.stdout)
    assert float(found[1]) == pytest.approx(float(found[2]), abs=0.01)
    assert "max: shifted by 2, features differ by 0.00" in done.stdout


def test_every_example_is_run():
    trained = {
        "distillation.py",
        "drop_in_layers.py",
        "explain.py",
        "train_by_name.py",
        "transfer.py",
    }
    tried = trained | {"arithmetic.py", "attribution.py"}
    assert {path.name for path in EXAMPLES.glob("*.py")} == tried
