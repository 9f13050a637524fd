"""Layers that stand for one of Keras's: the same positions, and Keras's own tests."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest
from keras import layers as kl

from keras_cnnzoo import layers as ours

#: Ours, Keras's, and how many of Keras's positions ours has not.
PAIRS = [
    (ours.InstrumentedConv2D, kl.Conv2D, 0),
    (ours.WeightStandardizedConv2D, kl.Conv2D, 0),
    (ours.PartialConv2D, kl.Conv2D, 11),
    *(
        (getattr(ours, f"{kind}Pooling{rank}D"), getattr(kl, f"{keras_s}{rank}D"), 0)
        for rank in (1, 2, 3)
        for kind, keras_s in (
            ("Lp", "AveragePooling"),
            ("L2Norm", "MaxPooling"),
            ("GlobalLp", "GlobalMaxPooling"),
        )
    ),
    (ours.GlobalGeMPooling2D, kl.GlobalAveragePooling2D, 0),
    (ours.PaddedMaxPooling2D, kl.MaxPooling2D, 0),
    (ours.BlurPool2D, kl.AveragePooling2D, 0),
    (ours.AdaptivePooling2D, kl.AdaptiveAveragePooling2D, 0),
]
SOURCE = Path(keras.__file__).parent / "src" / "layers"
HELD = {
    "convolution": ["convolutional/conv_test.py"],
    "windows": ["pooling/average_pooling_test.py", "pooling/max_pooling_test.py"],
    "maps": [
        "pooling/global_average_pooling_test.py",
        "pooling/global_max_pooling_test.py",
    ],
}
#: Keras's average over a sequence takes a mask, which ours does not.
LEFT_OUT = "GlobalAverage and average_pooling1d"


def _positions(kind):
    """Return the names that a class takes by position, without `self`."""
    found = []
    for parameter in list(inspect.signature(kind.__init__).parameters.values())[1:]:
        if parameter.kind == parameter.VAR_POSITIONAL:
            # The base class takes what follows.
            return found + _positions(kind.__mro__[1])[len(found) :]
        if parameter.kind == parameter.POSITIONAL_OR_KEYWORD:
            found.append(parameter.name)
    return found


@pytest.mark.once
@pytest.mark.parametrize(
    ("kind", "keras_s", "fewer"), PAIRS, ids=lambda x: getattr(x, "__qualname__", "")
)
def test_positions_are_keras_s(kind, keras_s, fewer):
    theirs = _positions(keras_s)
    own = _positions(kind)
    assert own[1:] == theirs[1 : len(theirs) - fewer]


@pytest.mark.once
@pytest.mark.parametrize("part", HELD)
def test_keras_s_own_tests_pass_with_ours_in_their_place(part, tmp_path):
    paths = [str(Path(__file__).parent), *sys.path]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "stand_ins"),
            *("-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tmp_path)),
            *("-k", f"not ({LEFT_OUT})", *(str(SOURCE / file) for file in HELD[part])),
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    summary = done.stdout.splitlines()[-12:]
    assert done.returncode == 0, "\n".join([*summary, done.stderr[-500:]])
    assert "ours stood in for Conv2D" in done.stdout
