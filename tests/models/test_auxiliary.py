"""Heads on inner maps, which some networks have for training."""

import keras
import numpy as np
import pytest

from keras_cnnzoo import build, inspect
from keras_cnnzoo.registry import family_of

#: Heads of each network and the trainable parameters with them, as published.
HEADS = {
    "googlenet": (("aux1", "aux2"), 13_004_888),
    "googlenet_paper": (("aux1", "aux2"), 13_378_280),
    "inception_v3": (("aux",), 27_161_264),
}
each_network = pytest.mark.parametrize("name", HEADS)


@pytest.mark.once
@each_network
def test_the_heads_come_by_name_and_make_up_the_published_size(name):
    names, params = HEADS[name]
    model = build(name, auxiliary=True)
    # In the order of names, as `predict` has them.
    assert list(model.output) == sorted(["head", *names])
    assert {x.shape for x in model.output.values()} == {(None, 1000)}
    assert inspect.count_params(model) == params


@pytest.mark.once
@each_network
def test_every_head_learns(name):
    size = 299 if name == "inception_v3" else 96
    options = {"classes": 3, "input_shape": (size, size, 3), "auxiliary": True}
    options |= {"classifier_activation": None}
    model = build(name, **options, **family_of(name).sketch)
    heads = ["head", *HEADS[name][0]]
    before = {head: np.array(model.get_layer(head).get_weights()[0]) for head in heads}
    # Squares of logits: a softmax that is saturated from the start, as it may be
    # without batch norm, has no gradient to show.
    model.compile(keras.optimizers.SGD(1e-6), dict.fromkeys(heads, "mse"))
    images = np.random.default_rng(0).uniform(0, 255, (2, size, size, 3))
    model.fit(images, dict.fromkeys(heads, np.eye(3)[[1, 2]]), verbose=0)
    for head in heads:
        assert np.abs(model.get_layer(head).get_weights()[0] - before[head]).max() > 0


@pytest.mark.parametrize("size", [224, 160, 97])
@pytest.mark.parametrize("name", ["googlenet", "googlenet_paper"])
def test_googlenets_heads_see_four_by_four_whatever_the_image(name, size):
    options = family_of(name).sketch | {"input_shape": (size, size, 3)}
    model = build(name, auxiliary=True, **options)
    assert model.get_layer("aux1_flatten").output.shape == (None, 4 * 4 * 128)
