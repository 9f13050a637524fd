"""A model keeps its weights where a run of it fails."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_cnnzoo.internals.mending import mended


class Broken(keras.utils.PyDataset):
    """Three batches, of which one cannot be read, or none."""

    def __init__(self, at, shape=(2, 4)):
        super().__init__()
        self.at, self.shape = at, shape

    def __len__(self):
        return 3

    def __getitem__(self, i):
        if i == self.at:
            raise OSError("the disk is gone")
        return np.ones(self.shape, "float32"), np.ones((2, 2), "float32")


class FailsInside(layers.Layer):
    """A layer whose computation fails once it is told to."""

    fails = False

    def call(self, x):
        if self.fails and not isinstance(x, keras.KerasTensor):
            raise OSError("inside the step")
        return x


class Failing(keras.callbacks.Callback):
    """Fails after the first batch."""

    def _fail(self, batch, logs=None):
        raise OSError("the callback is broken")

    on_train_batch_end = on_test_batch_end = on_predict_batch_end = _fail


def _model(optimizer="adam"):
    inputs = keras.Input((4,))
    x = layers.BatchNormalization()(layers.Dense(2)(inputs))
    fails = FailsInside()
    model = keras.Model(inputs, fails(x))
    model.compile(optimizer, "mse", metrics=["mae"])
    return model, fails


def _weights(model):
    return [keras.ops.convert_to_numpy(w) for w in model.variables]


@pytest.mark.parametrize("kind", ["fit", "evaluate", "predict"])
@pytest.mark.parametrize("failure", ["first", "second", "callback", "inside"])
def test_a_model_is_whole_after_a_failure(kind, failure):
    model, layer = _model()
    before = _weights(model)
    data = Broken({"first": 0, "second": 1}.get(failure))
    layer.fails = failure == "inside"
    callbacks = [Failing()] if failure == "callback" else []
    run = getattr(model, kind)
    with pytest.raises((OSError, RuntimeError)), mended(model):
        run(data, verbose=0, callbacks=callbacks)
    if kind != "fit":
        for now, then in zip(_weights(model), before, strict=True):
            np.testing.assert_array_equal(now, then)
    layer.fails = False
    assert np.isfinite(model.predict(Broken(None), verbose=0)).all()
    history = model.fit(Broken(None), epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]


def test_the_exception_goes_on_as_it_came():
    model, layer = _model()
    layer.fails = True
    with pytest.raises(OSError, match="inside the step") as raised, mended(model):
        model.predict(np.ones((2, 4)), verbose=0)
    assert "cannot be used" not in str(getattr(raised.value, "__notes__", ""))
