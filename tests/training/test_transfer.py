"""The ways of transfer by name, as `train` takes them."""

import keras
import numpy as np
import pytest

from keras_cnnzoo.training import TRANSFERS, transfer_by


@pytest.mark.once
@pytest.mark.parametrize("name", TRANSFERS)
def test_every_way_trains_as_fit_does(name, rng):
    inputs = keras.Input((4,))
    x = keras.layers.Dense(5, "relu", name="body")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
    model.compile("sgd", "mse")
    body = np.array(model.get_layer("body").get_weights()[0])
    data = rng.normal(size=(8, 4)), rng.normal(size=(8, 2))
    history = transfer_by(name)(model, data, data, epochs=2, callbacks=[], verbose=0)
    assert list(history.history) == ["loss", "val_loss"]
    assert history.history["loss"][1] < history.history["loss"][0]
    same = np.array_equal(model.get_layer("body").get_weights()[0], body)
    assert same == (name == "probe")


@pytest.mark.once
def test_an_unknown_way_is_answered_with_the_near_one():
    with pytest.raises(ValueError, match=r"'fine_tune'\. Did you mean 'finetune'\?"):
        transfer_by("fine_tune")
