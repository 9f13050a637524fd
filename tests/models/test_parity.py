"""Our networks against the libraries that others use, with the same weights.

The libraries' answers are small files; `references/make_references.py` writes them.
"""

from pathlib import Path

import pytest

from keras_cnnzoo.verify import compare

ANSWERS = Path(__file__).parents[1] / "references" / "answers"


@pytest.mark.parametrize("name", sorted(path.stem for path in ANSWERS.glob("*.npz")))
def test_answers_are_the_references(name):
    found = compare(name, ANSWERS / f"{name}.npz")
    assert found.equal, found
    # The two images must be told apart, or the comparison would say little.
    assert found.told_apart > 0.01
