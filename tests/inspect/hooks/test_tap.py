"""tap: the maps of any layer of any model, and the model as it was afterwards."""

import contextlib

import keras
import numpy as np
import pytest
from keras import layers
from subjects import SUBJECTS

from keras_cnnzoo.inspect import CONVOLUTION, find, instrument, statistics, tap

BACKEND = keras.backend.backend()


def _by_hand(model, chosen, x):
    """Return what layers give, their own `call` exchanged for one that remembers."""

    def run(x):
        seen = {}

        def recording(path, call):
            def recorded(*args, **kwargs):
                output = call(*args, **kwargs)
                count = sum(key.partition(":")[0] == path for key in seen)
                seen[f"{path}:{count}" if count else path] = output
                return output

            return recorded

        for path, layer in chosen.items():
            layer.call = recording(path, layer.call)
        try:
            model(x, training=False)
        finally:
            for layer in chosen.values():
                del layer.call
        return seen

    if BACKEND == "jax":
        import jax

        run = jax.jit(run)  # else it compiles each operation for itself
    return {path: _numpy(maps) for path, maps in run(x).items()}


def _numpy(x):
    return keras.ops.convert_to_numpy(x)


def _state(model):
    """Return everything about a model that looking at it must not change."""
    return (
        model.get_config(),
        [(w.path, w.trainable, _numpy(w).tobytes()) for w in model.variables],
        [layer.trainable for layer in find(model, "*").values()],
        model.jit_compile,
        set(vars(model)),
    )


def _close(found, expected):
    assert set(found) == set(expected)
    for path, values in expected.items():
        scale = max(1.0, np.abs(values).max())
        np.testing.assert_allclose(
            found[path] / scale, values / scale, atol=2e-5, err_msg=path
        )


class Watched(keras.Model):
    """Counts how often Python runs its forward pass."""

    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(2, 3, name="conv")
        self.runs = 0

    def call(self, x):
        self.runs += 1
        return self.conv(x)


def _small(**compile_arguments):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(2, 3, activation="relu", name="conv"),
            layers.GlobalAveragePooling2D(name="pool"),
        ]
    )
    model.compile("sgd", "mse", **compile_arguments)
    return model


@pytest.fixture
def data(rng):
    return rng.normal(size=(7, 6, 6, 1)).astype("float32"), np.ones((7, 2))


def test_gives_what_the_layers_give_and_leaves_no_trace(subject):
    name, model, about = subject
    x = about.images()
    before = _state(model)
    found = tap(model)(x)
    assert _state(model) == before, name
    assert not any(maps.flags.writeable for maps in found.values())
    _close(found, _by_hand(model, find(model, CONVOLUTION), x))


def test_hands_over_each_batch_of_predict(subject):
    _, model, about = subject
    x = about.images(4)
    look = tap(model)
    with look as seen:
        model.predict(x, batch_size=2, verbose=0)
    assert "call" not in vars(model)
    for maps, batch in zip(seen, (x[:2], x[2:]), strict=True):
        _close(maps, look(batch))


@pytest.mark.parametrize(
    "name",
    [
        "sequential",
        pytest.param("lenet5", marks=pytest.mark.once),
        pytest.param("mobilenet_v2", marks=pytest.mark.once),
    ],
)
def test_equals_a_model_cut_at_the_layers(name):
    model, about = SUBJECTS[name].build(), SUBJECTS[name]
    chosen = find(model, CONVOLUTION)
    cut = keras.Model(model.inputs, [layer.output for layer in chosen.values()])
    expected = cut.predict(about.images(), verbose=0)
    _close(tap(model)(about.images()), dict(zip(chosen, expected, strict=True)))


def test_python_runs_once_for_a_shape(data):
    model, (x, _) = Watched(), data
    model(x)
    look, before = tap(model), model.runs
    for _ in range(3):
        look(x)
    assert model.runs - before == (3 if BACKEND == "torch" else 1)


def test_a_model_that_was_never_called_is_built(data):
    assert tap(Watched())(data[0])["conv"].shape == (7, 4, 4, 2)


def test_hands_over_training_and_validation(data):
    model, (x, y) = _small(), data
    model.optimizer.learning_rate = 0.0
    with tap(model) as seen:
        model.fit(
            x,
            y,
            batch_size=4,
            epochs=2,
            shuffle=False,
            validation_data=(x[:2], y[:2]),
            verbose=0,
        )
    assert [len(maps["conv"]) for maps in seen] == [4, 3, 2] * 2
    expected = tap(model)(x)["conv"]
    for maps, batch in zip(seen, (slice(4), slice(4, 7), slice(2)) * 2, strict=True):
        np.testing.assert_allclose(maps["conv"], expected[batch], atol=1e-5)


def test_training_passes_are_those_of_the_training(rng):
    """Batch normalisation gives other maps in training: the batch's own."""
    model = keras.Sequential(
        [keras.Input((4, 4, 2)), layers.BatchNormalization(name="bn")]
    )
    model.compile("sgd", "mse")
    x = rng.normal(3.0, 2.0, (8, 4, 4, 2)).astype("float32")
    with tap(model, "bn") as seen:
        model.fit(x, x, verbose=0)
    variance = x.var((0, 1, 2), keepdims=True)
    expected = (x - x.mean((0, 1, 2))) / np.sqrt(variance + 1e-3)
    order = np.argsort(seen[0]["bn"][:, 0, 0, 0])  # fit shuffles
    np.testing.assert_allclose(
        seen[0]["bn"][order], expected[np.argsort(expected[:, 0, 0, 0])], atol=1e-4
    )


def test_other_ways_to_run_a_model(data):
    steps = 1 if BACKEND == "torch" else 2
    model, (x, y) = _small(steps_per_execution=steps), data
    with tap(model) as seen:
        model.evaluate(x, y, batch_size=2, verbose=0)
        model.train_on_batch(x, y)
        model.test_on_batch(x, y)
        model.predict_on_batch(x)
        model(x)
    assert [len(maps["conv"]) for maps in seen] == [2, 2, 2, 1, 7, 7, 7, 7]
    with tap(model) as seen:
        pass
    assert seen == []


def test_keeps_the_latest(data):
    model, (x, y) = _small(), data
    with tap(model, keep=2) as seen:
        model.fit(x, y, batch_size=2, epochs=3, verbose=0)
    assert len(seen) == 2
    assert len(seen[-1]["conv"]) == 1
    with pytest.raises(ValueError, match="at least 1"):
        tap(model, keep=0)


def test_sees_what_training_changed(data):
    model, (x, y) = _small(), data
    look = tap(model)
    before = look(x)["conv"].copy()
    model.fit(x, y, epochs=3, verbose=0)
    after = look(x)["conv"]
    assert np.abs(after - before).max() > 1e-3
    _close({"conv": after}, _by_hand(model, find(model, "conv"), x))


def test_can_be_used_from_a_callback(data):
    model, (x, y) = _small(), data
    look, found = tap(model), []
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: found.append(look(x)["conv"]),
        on_epoch_end=lambda epoch, logs: found.append(look(x)["conv"]),
    )
    model.fit(x, y, batch_size=4, callbacks=[callback], verbose=0)
    assert len(found) == 3
    np.testing.assert_array_equal(found[1], found[2])
    assert np.abs(found[0] - found[1]).max() > 0
    _close({"conv": found[2]}, tap(model)(x))


def test_contexts_open_and_close_within_a_running_fit(data):
    model, (x, y) = _small(), data
    found = []

    def look(epoch, logs):
        with tap(model) as seen:
            model(x)
        found.extend(seen)

    callback = keras.callbacks.LambdaCallback(on_epoch_end=look)
    history = model.fit(x, y, batch_size=4, epochs=2, callbacks=[callback], verbose=0)
    assert len(history.history["loss"]) == len(found) == 2


def test_a_model_around_it_hands_over_nothing_afterwards(data):
    inner, (x, _) = _small(), data
    inputs = keras.Input(x.shape[1:])
    outer = keras.Model(inputs, inner(inputs))
    with tap(inner) as seen:
        outer.predict(x, verbose=0)
    passes = len(seen)
    outer.predict(x, verbose=0)
    assert len(seen) == passes


def test_contexts_nest(data):
    model, (x, _) = _small(), data
    look = tap(model)
    with look as outer, look as again, tap(model, "pool") as inner:
        model.predict(x, verbose=0)
        direct = look(x)
    assert len(outer) == len(again) == len(inner) == 1
    _close(outer[0], direct)
    _close(again[0], direct)
    np.testing.assert_allclose(
        inner[0]["pool"], direct["conv"].mean((1, 2)), rtol=1e-5, atol=1e-6
    )
    assert "call" not in vars(model)
    look(x)
    assert len(outer) == 1


def test_an_exception_inside_leaves_the_model_as_it_was(data):
    model, (x, y) = _small(jit_compile=BACKEND != "torch"), data
    model.fit(x, y, verbose=0)
    *before, _ = _state(model)
    with contextlib.suppress(ZeroDivisionError), tap(model):
        model.predict(x, verbose=0)
        raise ZeroDivisionError
    with contextlib.suppress(Exception), tap(model):
        model.evaluate(x[:, :2, :2], y, verbose=0)  # too small for the kernel
    assert "call" not in vars(model)
    if BACKEND != "jax":  # Keras itself loses the weights there
        assert list(_state(model)[:-1]) == before
        model.fit(x, y, verbose=0)


def test_layers_that_are_not_called_are_left_out():
    class Branches(Watched):
        def __init__(self):
            super().__init__()
            self.unused = layers.Conv2D(1, 1, name="unused")

    model, x = Branches(), np.zeros((1, 5, 5, 1), "float32")
    model(x)
    assert list(tap(model)(x)) == ["conv"]
    with pytest.raises(ValueError, match=r"None of these layers .* unused"):
        tap(model, "unused")(x)


def test_a_pattern_that_matches_nothing_names_the_near():
    with pytest.raises(ValueError, match=r"'covn'.* Near: conv"):
        tap(_small(), "covn")


def test_layers_of_several_outputs():
    @keras.saving.register_keras_serializable("tests")
    class Halves(layers.Layer):
        def call(self, x):
            return {"left": x[:, :2], "right": [x[:, 2:]]}

    inputs = keras.Input((4, 1))
    halves = Halves(name="halves")(inputs)
    model = keras.Model(inputs, halves["left"] + halves["right"][0])
    x = np.arange(8, dtype="float32").reshape(2, 4, 1)
    look = tap(model, "halves")
    with look as seen:
        model.predict(x, verbose=0)
    for found in (look(x), seen[0]):
        np.testing.assert_array_equal(found["halves"]["left"], x[:, :2])
        np.testing.assert_array_equal(found["halves"]["right"][0], x[:, 2:])


@pytest.mark.parametrize(
    ("kind", "dtype"), [("mixed_float16", "float16"), ("mixed_bfloat16", "float32")]
)
def test_half_precision(kind, dtype, policy, data):
    policy(kind)
    model, (x, y) = _small(), data
    look = tap(model)
    found = look(x)["conv"]
    assert found.dtype == dtype
    kernel, bias = (_numpy(w) for w in model.get_layer("conv").weights)
    windows = np.lib.stride_tricks.sliding_window_view(x[..., 0], (3, 3), (1, 2))
    expected = np.maximum(np.einsum("bijkl,klf->bijf", windows, kernel[:, :, 0]), 0)
    np.testing.assert_allclose(found, expected + bias, atol=0.05)
    with look as seen:
        model.predict(x, verbose=0)
        model.fit(x, y, verbose=0)
    assert [maps["conv"].dtype for maps in seen] == [dtype, dtype]
    np.testing.assert_array_equal(seen[0]["conv"], found)


def test_looking_counts_nowhere(data):
    """A pass of `tap` moves no statistics and no random states."""
    model = instrument(_small())
    tap(model)(data[0])
    assert statistics(model)["conv"]["calls"] == 0
    model.predict(data[0], verbose=0)
    assert statistics(model)["conv"]["calls"] == 1


def test_sizes_may_change_between_calls():
    model = keras.Sequential(
        [keras.Input((None, None, 1)), layers.Conv2D(2, 3, name="conv")]
    )
    look = tap(model)
    for size in (5, 8, 6):
        assert look(np.ones((1, size, size, 1)))["conv"].shape[1] == size - 2


def test_xla_is_off_where_it_cannot_call_back_and_on_again(data):
    # `torch.compile` needs a C++ compiler, which not every machine has.
    compiles = BACKEND != "torch"
    model, (x, y) = _small(jit_compile=compiles), data
    with tap(model) as seen:
        model.fit(x, y, verbose=0)
        assert model.jit_compile == (BACKEND == "jax")
    assert model.jit_compile == compiles
    assert len(seen) == 1
    model.fit(x, y, verbose=0)
    _close(tap(model)(x), _by_hand(model, find(model, "conv"), x))


def test_run_eagerly(data):
    model, (x, y) = _small(run_eagerly=True), data
    with tap(model) as seen:
        model.fit(x, y, verbose=0)
    assert len(seen) == 1
    _close(tap(model)(x), _by_hand(model, find(model, "conv"), x))
