"""What data a training asks for, and how it says so."""

import numpy as np
import pytest
from PIL import Image

from keras_cnnzoo.training import Recipe
from keras_cnnzoo.training.inputs import load_to_train

pytestmark = pytest.mark.once


def _photos(folder, *counts):
    for place, count in enumerate(counts):
        home = folder / f"class{place}"
        home.mkdir(parents=True)
        for number in range(count):
            Image.new("L", (8, 8), 9 * number).save(home / f"{number}.png")
    return folder


def _load(data, **recipe):
    return load_to_train("mlp", data, Recipe(**recipe))


@pytest.mark.parametrize("counts", [(2, 2), (1, 1), (1, 1, 1, 1, 1, 1, 1, 1)])
def test_too_few_images_are_answered_with_what_to_do(tmp_path, counts):
    folder = _photos(tmp_path / "few", *counts)
    with pytest.raises(ValueError, match="no images for validation") as raised:
        _load(folder)
    assert f"its {sum(counts)} training images" in str(raised.value)
    assert "Add images" in str(raised.value)
    assert "split 'validation'" in str(raised.value)


def test_few_images_are_enough_where_a_number_is_asked_for(tmp_path):
    splits = _load(_photos(tmp_path / "few", 3, 1), validation=1)
    # The only image of a class stays where it can be learnt from.
    assert splits.validation.labels().tolist() == [0]
    assert sorted(splits.train.labels()) == [0, 0, 1]


def test_a_test_set_alone_is_no_training_set():
    images, labels = np.zeros((4, 8, 8), "uint8"), np.arange(4) % 2
    with pytest.raises(ValueError, match=r"no images for training.*has: test.*'train'"):
        _load({"test": (images, labels)})
