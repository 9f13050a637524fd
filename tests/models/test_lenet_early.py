"""LeNet-1 against the numbers that its paper prints."""

import numpy as np

from keras_cnnzoo import build
from keras_cnnzoo.inspect import count_params


def test_lenet1_has_the_papers_units_connections_and_parameters():
    model = build("lenet1")
    places = {name: model.get_layer(name).output.shape[1:] for name in _NAMES}
    units = 28 * 28 + 1 + sum(np.prod(shape) for shape in places.values())
    assert units == 4_635
    # A kernel's numbers and one bias for each unit; five links to each window of 2x2.
    seen = {"c1": 26, "s2": 5, "s4": 5, "head": 193}
    connections = sum(np.prod(places[name]) * links for name, links in seen.items())
    connections += 64 * (20 * 25 + 12)
    assert connections == 98_442
    assert count_params(model) == 2_578


_NAMES = ("c1", "s2", "c3", "s4", "head")


def test_lenet4_has_about_the_papers_260_000_connections():
    model = build("lenet4")
    assert model.get_layer("s2").output.shape[-1] == 8
    convolutions = 28 * 28 * 104 + 10 * 10 * model.get_layer("c3").count_params()
    sampling = 5 * (14 * 14 * 8 + 5 * 5 * 16)
    dense = (
        model.get_layer("f5").count_params() + model.get_layer("head").count_params()
    )
    assert abs(convolutions + sampling + dense - 260_000) < 5_000
