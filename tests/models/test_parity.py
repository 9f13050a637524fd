"""Our networks against the libraries that others use, with the same weights.

The libraries' answers are small files; `references/make_references.py` writes them.
`cnnzoo verify` compares every model and keeps the table; here the smallest model of
each family is compared again, and whatever changed since the table was written.
"""

import csv
from pathlib import Path

import pytest

from keras_cnnzoo import build, inspect, list_models
from keras_cnnzoo.registry import family_of
from keras_cnnzoo.verify import compare, is_stale, table, verifiable, verify
from keras_cnnzoo.verify.comparison import TELLING, TOLERANCE

ROOT = Path(__file__).parents[2]
ANSWERS = ROOT / "tests" / "references" / "answers"
TABLE = table.read(ROOT / "docs" / "verified.csv")
NAMES = sorted(path.stem for path in ANSWERS.glob("*.npz"))


#: Compared on every backend: each kind of layer that networks here are made of.
SPREAD = (
    *("alexnet_2012", "convnext_v2_atto", "densenet121", "ghostnet_050", "googlenet"),
    *("lenet5", "mobilenet_v3_small", "nin_cifar10", "resnet18", "resnet50_v2"),
    *("resnest26d", "shufflenet_v2_x0_5"),
)


def _marks(name):
    sizes = {n: v.params for n, v in family_of(name).variants.items() if n in NAMES}
    if name in SPREAD:
        return ()
    smallest = sizes[name] == min(sizes.values())
    return pytest.mark.once if smallest else pytest.mark.slow


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=_marks(name)) for name in NAMES]
)
def test_answers_are_the_references(name):
    found = compare(name, ANSWERS / f"{name}.npz")
    assert found.equal, found
    # The two images must be told apart, or the comparison would say little.
    assert found.telling, found


@pytest.mark.once
def test_what_changed_since_the_table_was_written_still_equals():
    for name in verifiable(["*"], ANSWERS):
        if is_stale(name, ANSWERS, TABLE):
            found, _ = verify(name, ANSWERS)
            assert found.equal, found
            assert found.telling, found


@pytest.mark.once
def test_table_holds_every_model_and_says_that_it_equals():
    # A perceptron of dense layers is nobody's in particular.
    assert set(list_models()) - set(TABLE) <= set(list_models("mlp*"))
    for row in TABLE.values():
        assert float(row.logits) <= TOLERANCE, row
        assert float(row.features or 0) <= TOLERANCE, row
        assert float(row.apart) >= TELLING, row


@pytest.mark.once
def test_sizes_are_those_that_the_field_knows(shared):
    with (shared.parent / "zoo.csv").open(newline="") as file:
        known = {row["name"]: row for row in csv.DictReader(file)}
    assert known.pop("keras_*")["tier"] == "must"
    assert {n for n, row in known.items() if row["tier"] == "must"} <= set(TABLE)
    for name in known.keys() & set(TABLE):
        if stated := known[name]["trainable_params"]:
            assert _params(name) == int(stated), name


def _params(name):
    """Count with auxiliary heads, as the field does, where there are any."""
    if hasattr(family_of(name).variants[name].config, "auxiliary"):
        return inspect.count_params(build(name, auxiliary=True))
    return TABLE[name].params
