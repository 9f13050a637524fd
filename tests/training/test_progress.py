"""What is shown of a training as it goes, and that no step waits for it."""

import io
import re
import threading

import keras
import numpy as np
import pytest
from rich.console import Console

from keras_cnnzoo.training import ProgressBar
from keras_cnnzoo.training.progress import Pace
from keras_cnnzoo.training.rate_ahead import RateAhead

X, Y = np.zeros((40, 3), "float32"), np.arange(40) % 2


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def _compiled(optimizer="sgd", metrics=("accuracy",)):
    layers = [keras.Input((3,)), keras.layers.Dense(2, "softmax")]
    model = keras.Sequential(layers)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=list(metrics))
    return model


def _shown(console, data=None, images=40, **kwargs):
    data = {"x": X, "y": Y, "batch_size": 8} if data is None else {"x": data}
    bar = ProgressBar(console, images)
    _compiled().fit(**data, **kwargs, verbose=0, callbacks=[bar])
    return console.file.getvalue()


def test_each_epoch_ends_with_a_line():
    console = Console(file=io.StringIO(), width=200)
    text = _shown(console, epochs=3, validation_data=(X, Y))
    lines = text.splitlines()
    assert len(lines) == 3
    line = (
        r"epoch 2/3  loss 0\.\d{4} · accuracy \d+\.\d\d%  validation loss 0\.\d{4} · "
        r"accuracy \d+\.\d\d%  [\d,]+ images/s · learning rate 0\.01 · 0:00:\d\d left"
    )
    assert re.fullmatch(line, lines[1])
    assert "left" not in lines[2]


def test_a_terminal_has_a_bar_and_its_numbers():
    console = Console(file=_Terminal(), width=100, force_terminal=True)
    text = _shown(console, epochs=2, validation_data=(X, Y))
    assert "epoch 2/2" in text
    assert "100%" in text
    assert re.search(r"best \d+\.\d\d% · [\d,]+ images/s · learning rate 0\.01", text)


def test_data_of_unknown_length_have_steps():
    batches = ((X[i : i + 8], Y[i : i + 8]) for i in range(0, 40, 8))
    console = Console(file=io.StringIO(), width=200)
    assert re.search(r"[\d.,e+]+ steps/s", _shown(console, batches, None))


def test_no_step_waits_where_keras_has_threads():
    called = []

    class Watched(ProgressBar):
        def on_train_batch_end(self, batch, logs):
            called.append((batch, threading.current_thread()))
            super().on_train_batch_end(batch, logs)

    watched = Watched(Console(file=io.StringIO()), 40)
    _compiled().fit(X, Y, batch_size=8, verbose=0, callbacks=[watched])
    assert sorted(batch for batch, _ in called) == [0, 1, 2, 3, 4]
    # Keras has none on TensorFlow.
    alone = {thread is threading.main_thread() for _, thread in called}
    assert alone == {keras.backend.backend() == "tensorflow"}


def _optimizers():
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps=8, warmup_target=0.1, warmup_steps=3
    )
    yield keras.optimizers.SGD(0.25)
    yield keras.optimizers.SGD(schedule)
    yield keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(schedule))


def test_the_rate_ahead_is_the_one_that_comes():
    for optimizer in _optimizers():
        model = _compiled(optimizer)
        model.train_on_batch(X, Y)
        ahead = RateAhead(model)
        for steps in range(6):
            now = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
            assert ahead.after(steps) == pytest.approx(now, rel=1e-6)
            model.train_on_batch(X, Y)


@pytest.mark.once
def test_the_pace_is_that_of_steps_which_are_compiled():
    pace = Pace()
    pace.begin()
    start = pace._since[1]
    pace.note(1, start + 30.0)
    assert pace.steps_per_second is None
    # One thread may be overtaken by the next.
    for step, second in ((3, 31.0), (2, 31.1), (5, 32.0)):
        pace.note(step, start + second)
    assert pace.steps_per_second == pytest.approx(2.0)
    pace.begin()
    pace.note(4, pace._since[1] + 1.0)
    assert pace.steps_per_second == pytest.approx(4.0)
