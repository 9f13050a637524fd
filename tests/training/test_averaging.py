"""The average of the weights, equal to PyTorch's AveragedModel with buffers."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_cnnzoo.training import AverageWeights

IMAGES = np.random.default_rng(1).normal(size=(40, 6, 6, 3)).astype("float32")
LABELS = (IMAGES.mean(axis=(1, 2, 3)) > 0).astype("int32")


def small_model(**compiling):
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            layers.Conv2D(4, 3, name="conv"),
            layers.BatchNormalization(momentum=0.9, name="bn"),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax", dtype="float32", name="head"),
        ]
    )
    optimizer = keras.optimizers.SGD(0.5, momentum=0.9)
    model.compile(optimizer, "sparse_categorical_crossentropy", **compiling)
    return model


def fit(model, *callbacks, x=IMAGES, epochs=1, **kwargs):
    y = LABELS[: len(x)]
    settings = {"batch_size": 8, "shuffle": False, "verbose": 0} | kwargs
    return model.fit(x, y, epochs=epochs, callbacks=[*callbacks], **settings)


class Recorder(keras.callbacks.Callback):
    """The weights after every step."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def on_train_batch_end(self, batch, logs=None):
        self.weights.append(self.model.get_weights())


def averaged(averages):
    with averages.swapped() as model:
        return model.get_weights()


def moving_average(weights, shares):
    """NumPy's exponential moving average of lists of weights, from the first on."""
    average = [w.astype(float) for w in weights[0]]
    for now, share in zip(weights[1:], shares, strict=True):
        average = [a + share * (w - a) for a, w in zip(average, now, strict=True)]
    return average


def assert_close(left, right, **tolerance):
    for one, other in zip(left, right, strict=True):
        np.testing.assert_allclose(one, other, **(tolerance or {"atol": 1e-6}))


def test_the_average_is_that_of_torchs_averaged_model():
    torch = pytest.importorskip("torch")
    swa = pytest.importorskip("torch.optim.swa_utils")
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2)
    )
    order = ["0.weight", "0.bias", "1.weight", "1.bias"]
    order += ["1.running_mean", "1.running_var", "2.weight", "2.bias"]
    theirs = swa.AveragedModel(
        net, multi_avg_fn=swa.get_ema_multi_avg_fn(0.9), use_buffers=True
    )
    averages, recorder = AverageWeights(0.9, warmup=False), Recorder()
    fit(small_model(), averages, recorder, epochs=2)
    assert len(recorder.weights) == 10
    for weights in recorder.weights:
        state = net.state_dict()
        for name, value in zip(order, weights, strict=True):
            state[name].copy_(torch.tensor(value.T))
        theirs.update_parameters(net)
    wanted = theirs.module.state_dict()
    ours = averaged(averages)
    assert_close([w.T for w in ours], [wanted[name].numpy() for name in order])
    assert np.abs(ours[5] - recorder.weights[-1][5]).max() > 1e-3


@pytest.mark.parametrize("every", [1, 3, 4])
def test_the_warm_up_and_updates_every_few_steps_equal_numpy(every):
    averages, recorder = AverageWeights(0.5, every=every), Recorder()
    fit(small_model(), averages, recorder, epochs=3)
    steps = range(every, 16, every)
    kept = [min(0.5, (1 + n) / (10 + n)) ** every for n in steps[1:]]
    wanted = moving_average(
        [recorder.weights[n - 1] for n in steps], [1 - k for k in kept]
    )
    assert_close(averaged(averages), wanted)


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="PyTorch has no steps_per_execution"
)
def test_calls_of_several_steps_count_as_so_many():
    averages, recorder = AverageWeights(0.9, warmup=False), Recorder()
    fit(small_model(steps_per_execution=2), averages, recorder, epochs=2)
    # Five steps are calls of two, two and one.
    shares = [1 - 0.9**n for n in (2, 1, 2, 2, 1)]
    assert_close(averaged(averages), moving_average(recorder.weights, shares))


def test_validation_sees_the_average_and_training_does_not():
    averages, plain = AverageWeights(0.9), Recorder()
    model = small_model()
    validation = (IMAGES, LABELS)
    history = fit(model, averages, plain, epochs=2, validation_data=validation)
    with averages.swapped():
        loss = model.evaluate(*validation, batch_size=8, verbose=0)
    np.testing.assert_allclose(history.history["val_loss"][-1], loss, rtol=1e-5)
    without = Recorder()
    fit(small_model(), without, epochs=2)
    for one, other in zip(plain.weights, without.weights, strict=True):
        assert_close(one, other)
    assert_close(model.get_weights(), plain.weights[-1], atol=0)


def test_a_callback_can_save_the_average(tmp_path):
    averages = AverageWeights(0.9)

    class Save(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            with averages.swapped(self.model):
                self.model.save(tmp_path / "model.keras")

    model = small_model()
    fit(model, averages, Save(), epochs=2)
    saved = keras.saving.load_model(tmp_path / "model.keras")
    assert_close(saved.get_weights(), averaged(averages), atol=0)
    fit(model, averages)
    averages.apply()
    assert_close(model.get_weights(), averaged(averages), atol=0)


def test_weights_come_back_after_an_error():
    averages, model = AverageWeights(0.9), small_model()
    fit(model, averages)
    before = model.get_weights()
    with pytest.raises(KeyError), averages.swapped():
        raise KeyError
    assert_close(model.get_weights(), before, atol=0)


def test_a_restored_run_goes_on_with_the_same_average():
    whole = AverageWeights(0.9, every=2)
    fit(small_model(), whole, epochs=2, x=IMAGES[:24])

    model, begun = small_model(), AverageWeights(0.9, every=2)
    fit(model, begun, x=IMAGES[:24])
    state = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    counted = [ops.convert_to_numpy(v) for v in begun.variables]
    again, restored = small_model(), AverageWeights(0.9, every=2)
    again.optimizer.build(again.trainable_variables)
    restored.build(again)
    held = [*again.variables, *again.optimizer.variables]
    for variable, value in zip(
        [*held, *restored.variables], [*state, *counted], strict=True
    ):
        variable.assign(value)
    assert_close(averaged(begun), _of(restored, again), atol=0)
    fit(again, restored, x=IMAGES[:24])
    assert_close(averaged(restored), averaged(whole), atol=0)


def _of(averages, model):
    with averages.swapped(model):
        return model.get_weights()


def test_a_state_taken_within_an_epoch_has_the_step_that_ended():
    averages, recorder, states = AverageWeights(0.9, warmup=False), Recorder(), []

    class Take(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            averages.catch_up()
            states.append([ops.convert_to_numpy(v) for v in averages.variables[:-1]])

    fit(small_model(), averages, recorder, Take())
    for step, state in enumerate(states):
        shares = [0.1] * step
        wanted = moving_average(recorder.weights[: step + 1], shares)
        assert_close(state, wanted)
    assert_close(averaged(averages), states[-1], atol=0)


@pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="Keras waits for the loss in any case"
)
def test_keras_does_not_wait_for_every_loss():
    callbacks = keras.callbacks.CallbackList([AverageWeights()], model=small_model())
    assert callbacks._async_train


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16", "bfloat16"])
def test_averages_are_exact_in_low_precision(precision, policy):
    policy(precision)
    averages, recorder = AverageWeights(0.99, warmup=False), Recorder()
    model = small_model()
    fit(model, averages, recorder, epochs=2)
    weights = [[w.astype("float32") for w in step] for step in recorder.weights]
    wanted = moving_average(weights, [0.01] * 9)
    state = [ops.convert_to_numpy(v) for v in averages.variables[:-1]]
    assert {str(a.dtype) for a in state} == {"float32"}
    assert_close(state, wanted, atol=1e-5)


@pytest.mark.once
def test_what_cannot_be_is_said():
    with pytest.raises(ValueError, match=r"`decay` is from 0 .* Received: 1"):
        AverageWeights(1)
    with pytest.raises(ValueError, match="`every` is at least 1 step"):
        AverageWeights(every=0)
    averages, model = AverageWeights(every=9), small_model()
    with pytest.raises(ValueError, match="no average yet, after 0 steps"):
        averages.apply(model)
    fit(model, averages)
    with pytest.raises(ValueError, match="no average yet, after 5 steps"):
        averages.apply()
    fit(model, averages)
    other = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    with pytest.raises(ValueError, match="has other weights than the trained model"):
        averages.apply(other)
