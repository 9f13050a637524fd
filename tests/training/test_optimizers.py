"""A learning rate for each weight, compared with PyTorch's parameter groups."""

import keras
import numpy as np
import pytest
from keras import layers, optimizers

import keras_cnnzoo
from keras_cnnzoo.training import Muon, layer_rates, with_rates
from keras_cnnzoo.training.optimizer_table import L2SGD

STEPS = 6
RATES = {"a/": 0.25, "b/": 2.0, "b/kernel": 0.5}
#: The rate of each weight of `_model`; the longest beginning of its path counts.
EXPECTED = (0.25, 0.25, 0.5, 2.0, 1.0, 1.0)
EVERY = (
    *("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb"),
    *("Lion", "Muon", "Nadam", "RMSprop", "SGD"),
)


def _model():
    x = inputs = keras.Input((3,))
    for name in "abc":
        x = layers.Dense(3, name=name, bias_initializer="glorot_uniform")(x)
    return keras.Model(inputs, x)


def _values(weights):
    return [keras.ops.convert_to_numpy(w) for w in weights]


def _gradients(rng, weights):
    return [[rng.normal(size=w.shape) for w in weights] for _ in range(STEPS)]


def _apply(optimizer, weights, gradients):
    optimizer.build(weights)
    for step in gradients:
        optimizer.apply([keras.ops.cast(g, "float32") for g in step], weights)


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_weights_are_those_of_pytorchs_parameter_groups(kind, rng):
    torch = pytest.importorskip("torch")
    ours, theirs, decay = {
        "sgd": (
            optimizers.SGD(0.01, momentum=0.9, nesterov=True),
            lambda groups: torch.optim.SGD(groups, momentum=0.9, nesterov=True),
            {},
        ),
        "adamw": (
            optimizers.AdamW(0.01, weight_decay=0.3, epsilon=1e-8),
            lambda groups: torch.optim.AdamW(groups, eps=1e-8),
            {"weight_decay": 0.3},
        ),
    }[kind]
    ours.exclude_from_weight_decay(var_names=["bias"])
    weights = _model().trainable_weights
    tensors = [torch.tensor(v.copy(), requires_grad=True) for v in _values(weights)]
    other = theirs(
        [
            {"params": [t], "lr": 0.01 * rate}
            | {k: v if w.name == "kernel" else 0 for k, v in decay.items()}
            for t, w, rate in zip(tensors, weights, EXPECTED, strict=True)
        ]
    )
    gradients = _gradients(rng, weights)
    _apply(with_rates(ours, RATES), weights, gradients)
    for step in gradients:
        for tensor, gradient in zip(tensors, step, strict=True):
            tensor.grad = torch.tensor(gradient, dtype=torch.float32)
        other.step()
    for value, tensor in zip(_values(weights), tensors, strict=True):
        np.testing.assert_allclose(value, tensor.detach().numpy(), atol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_every_optimizer_moves_a_weight_as_one_with_its_rate(name, rng):
    kind = getattr(optimizers, name)
    settings = {} if name == "Ftrl" else {"weight_decay": 0.1}
    weights = _model().trainable_weights
    start, gradients = _values(weights), _gradients(rng, weights)
    _apply(with_rates(kind(0.02, **settings), RATES), weights, gradients)
    moved = _values(weights)
    for place, (weight, rate) in enumerate(zip(weights, EXPECTED, strict=True)):
        weight.assign(start[place])
        _apply(kind(0.02 * rate, **settings), [weight], [[g[place]] for g in gradients])
        (alone,) = _values([weight])
        np.testing.assert_allclose(moved[place], alone, atol=1e-6, err_msg=weight.path)
        assert np.abs(alone - start[place]).max() > 1e-4


def test_fit_steps_as_far_as_the_rates_say():
    def moved(optimizer):
        keras.utils.set_random_seed(0)
        model = _model()
        model.compile(optimizer, "mse")
        before = model.get_weights()
        model.fit(np.ones((8, 3)), np.full((8, 3), 5.0), verbose=0)
        return [n - b for n, b in zip(model.get_weights(), before, strict=True)]

    plain = optimizers.SGD(optimizers.schedules.CosineDecay(0.01, 100))
    alike, rated = moved(plain), moved(with_rates(plain, RATES))
    for a, b, rate in zip(alike, rated, EXPECTED, strict=True):
        np.testing.assert_allclose(b, rate * a, rtol=1e-3, atol=1e-6)


@pytest.mark.once
@pytest.mark.parametrize("name", EVERY)
def test_rates_come_back_from_the_config(name):
    plain = getattr(optimizers, name)(0.125)
    rated = with_rates(plain, RATES)
    again = optimizers.deserialize(optimizers.serialize(rated))
    assert type(again) is type(rated)
    assert [again.factor_of(p) for p in ("a/bias", "b/x", "x")] == [0.25, 2, 1]
    assert again.get_config() == rated.get_config()
    # New rates replace the old ones.
    other = with_rates(again, {"": 0.5})
    assert type(other) is type(rated)
    assert (other.factor_of("a/bias"), float(other.learning_rate)) == (0.5, 0.125)


@pytest.mark.once
def test_two_classes_of_one_name_are_told_apart():
    for kind in (Muon, optimizers.Muon, L2SGD):
        saved = optimizers.serialize(with_rates(kind(0.1), RATES))
        assert isinstance(optimizers.deserialize(saved), kind)


@pytest.mark.once
def test_a_schedule_and_the_exclusions_are_kept():
    schedule = optimizers.schedules.CosineDecay(0.1, 10)
    plain = optimizers.AdamW(schedule)
    plain.exclude_from_weight_decay(var_names=["bias"])
    rated = with_rates(plain, RATES)
    weights = _model().trainable_weights
    rated.build(weights)
    before = _values(weights)
    for _ in range(5):
        rated.apply([keras.ops.zeros(w.shape) for w in weights], weights)
    assert float(rated.learning_rate) == pytest.approx(float(schedule(5)))
    for weight, was in zip(weights, before, strict=True):
        (now,) = _values([weight])
        assert np.array_equal(now, was) == (weight.name == "bias")


def test_a_scaled_loss_does_not_hide_the_optimizer(policy):
    policy("mixed_float16")
    model = _model()
    scaled = optimizers.LossScaleOptimizer(optimizers.SGD(0.1), initial_scale=8.0)
    rated = with_rates(scaled, RATES)
    assert rated.initial_scale == 8
    model.compile(rated, "mse")
    before = model.get_weights()
    model.fit(np.ones((8, 3)), np.ones((8, 3)), verbose=0)
    assert not np.array_equal(model.get_weights()[0], before[0])
    assert rated.inner_optimizer.factor_of("b/bias") == 2


@pytest.mark.once
def test_an_optimizer_of_ones_own_can_have_rates():
    class Halving(optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient, variable, learning_rate / 2)

    weights = _model().trainable_weights[:1]
    before = _values(weights)[0]
    _apply(with_rates(Halving(1.0), {"a/": 0.5}), weights, [[np.ones((3, 3))]])
    np.testing.assert_allclose(_values(weights)[0], before - 0.25, rtol=1e-6)


@pytest.mark.once
def test_a_saved_model_loads_with_its_rates(tmp_path):
    model = _model()
    model.compile(with_rates(optimizers.AdamW(0.1), RATES), "mse")
    model.fit(np.ones((8, 3)), np.ones((8, 3)), verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.optimizer.factor_of("b/kernel") == 0.5


@pytest.mark.once
@pytest.mark.parametrize(
    ("optimizer", "rates", "error", "says"),
    [
        (optimizers.SGD(), {"a/": 0.0}, ValueError, r"must be positive.*'a/': 0\.0"),
        (optimizers.SGD(), {"a/": float("nan")}, ValueError, "must be positive"),
        ("sgd", {}, TypeError, r"Received: 'sgd'"),
    ],
)
def test_what_cannot_be_is_refused(optimizer, rates, error, says):
    with pytest.raises(error, match=says):
        with_rates(optimizer, rates)


@pytest.mark.once
def test_rates_fall_with_the_depth_by_stage():
    model = keras_cnnzoo.build("resnet18", input_shape=(64, 64, 3), classes=3)
    rates = layer_rates(model, 0.5)
    assert set(rates) == {
        w.path for w in model.weights if "normalization" not in w.path
    }
    depths = ("head", *(f"stage{n}" for n in (4, 3, 2, 1)), "stem")
    for path, rate in rates.items():
        assert rate == 0.5 ** depths.index(path.partition("_")[0].partition("/")[0])
    with pytest.raises(ValueError, match="above 0 and up to 1"):
        layer_rates(model, 1.5)
