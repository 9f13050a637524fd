"""Our networks against the libraries that others use, with the same weights.

The libraries' answers are small files; `references/make_references.py` writes them.
`cnnzoo verify` compares every model and keeps the table; here the smallest model of
each family is compared again, and the first of those that changed since.
"""

import csv
from pathlib import Path

import pytest
from small_models import SPREAD

from keras_cnnzoo import build, inspect, list_models
from keras_cnnzoo.registry import family_of
from keras_cnnzoo.verify import stale_models, table, verify
from keras_cnnzoo.verify.comparison import TELLING, TOLERANCE

ROOT = Path(__file__).parents[2]
ANSWERS = ROOT / "tests" / "references" / "answers"
TABLE = table.read(ROOT / "docs" / "verified.csv")
NAMES = sorted(path.stem for path in ANSWERS.glob("*.npz"))


#: How many of the models that changed since their row of the table was written are
#: compared here, the cheapest first; `cnnzoo verify --changed` compares the others.
BOUND = 12


def _chosen():
    """List the models to compare, each once."""
    families = {}
    for name in NAMES:
        family = family_of(name)
        families.setdefault(family.name, []).append(
            (family.variants[name].params, name)
        )
    smallest = {min(sizes)[1] for sizes in families.values()}
    changed = stale_models(ANSWERS, TABLE)[:BOUND]
    for name in sorted(smallest | SPREAD | set(changed)):
        yield pytest.param(name, marks=() if name in SPREAD else pytest.mark.once)


@pytest.mark.parametrize("name", list(_chosen()))
def test_answers_are_the_references(name):
    found, _ = verify(name, ANSWERS)
    assert found.equal, found
    # The two images must be told apart, or the comparison would say little.
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
