"""Optimizers, losses, precision and early stops are those that a recipe names."""

import copy

import keras
import numpy as np
import pytest
from torch_references import reference

from keras_cnnzoo.precision import computing_in
from keras_cnnzoo.training import (
    OptimizerSettings,
    Recipe,
)
from keras_cnnzoo.training.compiling import (
    compile_model,
    make_callbacks,
    rates_of,
)
from keras_cnnzoo.training.optimizer_table import OPTIMIZERS, make_optimizer
from keras_cnnzoo.training.schedules import make_schedule

torch = pytest.importorskip("torch")


KERNEL = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
BIAS = np.array([0.5, -0.2, 0.1], "float32")


def _trained(settings, gradients, rate=None):
    """Return a kernel and a bias after steps with given gradients."""
    kernel = keras.Variable(KERNEL, name="kernel")
    bias = keras.Variable(BIAS, name="bias")
    optimizer = make_optimizer(settings, rate or settings.learning_rate)
    for gradient in gradients:
        grads = [keras.ops.convert_to_tensor(g) for g in (gradient, gradient[0])]
        with torch.no_grad():
            optimizer.apply(grads, [kernel, bias])
    return [keras.ops.convert_to_numpy(v) for v in (kernel, bias)]


def _torch_trained(make, gradients, *, decay, clip=None):
    kernel, bias = (torch.nn.Parameter(torch.tensor(v)) for v in (KERNEL, BIAS))
    groups = [{"params": [kernel], "weight_decay": decay}]
    groups += [{"params": [bias], "weight_decay": 0.0}]
    optimizer = make(groups)
    for gradient in gradients:
        kernel.grad, bias.grad = torch.tensor(gradient), torch.tensor(gradient[0])
        if clip is not None:
            torch.nn.utils.clip_grad_norm_([kernel, bias], clip)
        optimizer.step()
    return [v.detach().numpy() for v in (kernel, bias)]


TORCH = {
    "sgd": (
        {"momentum": 0.9, "nesterov": True},
        lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    ),
    "adamw": (
        {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-8},
        lambda p: torch.optim.AdamW(p, lr=0.05, betas=(0.8, 0.95), eps=1e-8),
    ),
    "rmsprop": (
        {"rho": 0.9, "momentum": 0.5, "epsilon": 1e-14},
        lambda p: torch.optim.RMSprop(p, lr=0.05, alpha=0.9, momentum=0.5, eps=1e-8),
    ),
}


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("name", TORCH)
def test_an_optimizer_with_weight_decay_is_that_of_torch(name, clip, rng):
    given, make = TORCH[name]
    gradients = rng.normal(size=(6, 4, 3)).astype("float32")
    settings = OptimizerSettings(
        name=name, learning_rate=0.05, weight_decay=0.1, clip_norm=clip, **given
    )
    ours = _trained(settings, gradients)
    theirs = _torch_trained(make, gradients, decay=0.1, clip=clip)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("decay", [0.02, 0.5])
def test_lamb_is_that_of_timm(decay, rng):
    lamb = reference("timm.optim.lamb").Lamb
    gradients = rng.normal(size=(6, 4, 3)).astype("float32")
    settings = OptimizerSettings(
        name="lamb",
        learning_rate=0.05,
        weight_decay=decay,
        epsilon=1e-6,
        clip_norm=1.0,
    )
    ours = _trained(settings, gradients)
    theirs = _torch_trained(lambda p: lamb(p, lr=0.05), gradients, decay=decay)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_gradients_of_several_steps_are_averaged(name, rng):
    gradients = rng.normal(size=(3, 4, 3)).astype("float32")
    settings = {"name": name, "learning_rate": 0.05, "weight_decay": 0.1}
    once = _trained(OptimizerSettings(**settings), [gradients.mean(axis=0)])
    thrice = _trained(OptimizerSettings(**settings, accumulate=3), gradients)
    for one, other in zip(once, thrice, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_decay_spares_biases_unless_asked(name):
    zeros = np.zeros((1, 4, 3), "float32")
    settings = {"name": name, "learning_rate": 0.01, "weight_decay": 0.5}
    kernel, bias = _trained(OptimizerSettings(**settings), zeros)
    assert (np.abs(kernel) < np.abs(KERNEL)).all()
    np.testing.assert_array_equal(bias, BIAS)
    _, bias = _trained(OptimizerSettings(**settings, decay_all=True), zeros)
    assert (np.abs(bias) < np.abs(BIAS)).all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_body_takes_a_share_of_the_steps_of_the_head(name):
    def moved(fine_tunes):
        keras.utils.set_random_seed(0)
        inner = keras.layers.Dense(3, name="body")
        model = keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(2)])
        settings = OptimizerSettings(name=name, body_rate=0.25)
        rates = rates_of(settings, model, fine_tunes=fine_tunes)
        model.compile(make_optimizer(settings, 1e-3, rates), "mse")
        before = model.get_weights()
        model.train_on_batch(np.ones((8, 4)), np.full((8, 2), 5.0))
        return [n - b for n, b in zip(model.get_weights(), before, strict=True)]

    alike, slow = moved(False), moved(True)
    for a, b, share in zip(alike, slow, (0.25, 0.25, 1, 1), strict=True):
        np.testing.assert_allclose(b, share * a, rtol=1e-3, atol=1e-7)


@pytest.mark.once
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_comes_back_from_its_config(name, decay):
    settings = OptimizerSettings(name=name, weight_decay=decay, clip_norm=1.0)
    for rates in (None, {"": 0.1, "head/kernel": 1.0}):
        optimizer = make_optimizer(settings, make_schedule(Recipe(), 10), rates)
        config = optimizer.get_config()
        again = type(optimizer).from_config(copy.deepcopy(config))
        assert again.get_config() == config


@pytest.mark.once
def test_muon_takes_convolutions_with_the_settings_of_its_recipe():
    recipe = Recipe().replace(
        {"optimizer.name": "muon", "optimizer.weight_decay": 0.1}
        | {"optimizer.beta_2": 0.95, "optimizer.adam_lr_ratio": 0.3}
    )
    layers = [keras.layers.Conv2D(8, 3, name="conv"), keras.layers.Flatten()]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers, keras.layers.Dense(2)])
    compile_model(model, recipe, 10, 2, fine_tunes=False)
    model.optimizer.build(model.trainable_variables)
    assert [path.split("/")[-2:] for path in model.optimizer.matrices] == [
        ["conv", "kernel"]
    ]
    config = model.optimizer.get_config()
    assert config["weight_decay"] == config["adam_weight_decay"] == 0.1
    assert (config["adam_beta_2"], config["adam_lr_ratio"]) == (0.95, 0.3)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_the_loss_is_that_of_torch(smoothing, gamma, rng):
    recipe = Recipe().replace(
        {"loss.label_smoothing": smoothing, "loss.focal_gamma": gamma}
    )
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, "softmax")])
    compile_model(model, recipe, 10, 3, fine_tunes=False)
    x, y = rng.normal(size=(7, 5)).astype("float32"), np.arange(7) % 3
    ours = model.evaluate(x, y, verbose=0, return_dict=True)["loss"]
    kernel, bias = map(torch.tensor, model.get_weights())
    logits = torch.tensor(x) @ kernel + bias
    rows = torch.nn.functional.one_hot(torch.tensor(y), 3) * (1 - smoothing)
    rows, logs = rows + smoothing / 3, logits.log_softmax(-1)
    theirs = -(rows * (1 - logs.exp()) ** gamma * logs).sum(-1).mean()
    assert ours == pytest.approx(float(theirs), rel=1e-4)
    if not gamma:
        cross_entropy = torch.nn.CrossEntropyLoss(label_smoothing=smoothing)
        assert ours == pytest.approx(float(cross_entropy(logits, torch.tensor(y))))


@pytest.mark.parametrize(
    ("precision", "compute"),
    [("float32", "float32"), ("bfloat16", "bfloat16"), ("float16", "float16")],
)
def test_a_model_computes_in_the_precision_of_its_recipe(precision, compute):
    before = keras.config.dtype_policy()
    recipe = Recipe(precision=precision)
    with computing_in(recipe.precision):
        model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])
    assert keras.config.dtype_policy() == before
    compile_model(model, recipe, 10, 2, fine_tunes=False)
    assert model.compute_dtype == compute
    assert model.variable_dtype == "float32"
    scales = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scales == (precision == "float16")


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_float16_learns_as_float32_from_accumulated_gradients(name, rng):
    x = rng.normal(size=(256, 8)).astype("float32")
    y = (x[:, 0] > 0).astype(int)

    def losses(precision):
        keras.utils.set_random_seed(0)
        recipe = Recipe(precision=precision, epochs=6, batch_size=16).replace(
            {"optimizer.name": name, "optimizer.learning_rate": 0.05}
            | {"optimizer.accumulate": 2, "optimizer.weight_decay": 1e-4}
        )
        with computing_in(recipe.precision):
            layers = [keras.layers.Dense(16, "relu"), keras.layers.Dense(2, "softmax")]
            model = keras.Sequential([keras.Input((8,)), *layers])
        compile_model(model, recipe, 16, 2, fine_tunes=False)
        given = {"epochs": 6, "batch_size": 16, "shuffle": False, "verbose": 0}
        return model.fit(x, y, **given).history["loss"]

    half, single = losses("float16"), losses("float32")
    assert single[-1] < 0.8 * single[0]
    # The first step, or two, overflow until the scale of the loss has come down.
    assert half[-1] == pytest.approx(single[-1], rel=0.2)


@pytest.mark.once
def test_a_training_without_progress_ends(rng):
    assert make_callbacks(Recipe()) == []
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2, "softmax")])
    recipe = Recipe().replace({"stop.patience": 2, "optimizer.learning_rate": 1e-12})
    compile_model(model, recipe, 4, 2, fine_tunes=False)
    x, y = rng.normal(size=(64, 8)), np.arange(64) % 2
    history = model.fit(
        *(x, y),
        validation_data=(x, y),
        epochs=9,
        verbose=0,
        callbacks=make_callbacks(recipe),
    )
    assert len(history.epoch) == 3
