"""What a page of mistakes shows, and in which order."""

import numpy as np
import pytest

from keras_cnnzoo.data import load
from keras_cnnzoo.training import Scores, find_mistakes, write_mistakes

pytestmark = pytest.mark.once

NAMES = ["a < b", "c"]


@pytest.fixture
def images(rng):
    pixels = rng.integers(0, 256, (6, 9, 9, 3), "uint8")
    return load({"test": (pixels, np.arange(6) % 2)}, image_size=9).test


def _scores(*of_second):
    second = np.array(of_second)
    return Scores(np.arange(6) % 2, np.stack([1 - second, second], axis=1))


def test_the_most_wrong_come_first(images):
    scores = _scores(0.6, 0.9, 0.99, 0.2, 0.1, 0.8)
    found = find_mistakes(scores, images, NAMES, count=2)
    assert [mistake.index for mistake in found.worst] == [2, 3]
    first = found.worst[0]
    assert (first.label, first.predicted, first.image) == ("a < b", "c", "image 2")
    assert first.label_probability == pytest.approx(0.01)
    assert first.predicted_probability == pytest.approx(0.99)


def test_a_page_escapes_names_and_is_whole(images, tmp_path):
    page = tmp_path / "page.html"
    scores = _scores(0.6, 0.9, 0.99, 0.2, 0.1, 0.8)
    given = {"class_names": NAMES, "title": "<model>"}
    found = write_mistakes(scores, images, page, **given)
    text = page.read_text()
    assert "<title>&lt;model&gt;</title>" in text
    assert 'title="label: a &lt; b"' in text
    assert text.count("<img") == len(found.worst) + len(found.label_errors)
    assert "$" not in text.partition("</style>")[2]
    with pytest.raises(ValueError, match="`count` is at least 1"):
        write_mistakes(scores, images, page, **given, count=0)
    assert page.read_text() == text


def test_a_model_without_mistakes_has_a_page(images, tmp_path):
    page = tmp_path / "page.html"
    right = _scores(0.1, 0.9, 0.1, 0.9, 0.1, 0.9)
    found = write_mistakes(right, images, page, class_names=NAMES, title="right")
    assert (found.worst, found.label_errors, found.label_error_count) == ([], [], 0)
    assert "no label is likely wrong" in page.read_text()


def test_logits_have_no_label_errors(images, tmp_path):
    page = tmp_path / "page.html"
    logits = Scores(np.arange(6) % 2, np.arange(12.0).reshape(6, 2) - 3)
    found = write_mistakes(logits, images, page, class_names=NAMES, title="logits")
    assert found.label_error_count is None
    assert [mistake.index for mistake in found.worst] == [0, 2, 4]
    assert "no probabilities" in page.read_text()
