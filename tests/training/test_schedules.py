"""The learning rate over a training is that which a recipe names."""

import keras
import numpy as np
import pytest
from keras.optimizers.schedules import deserialize, serialize

from keras_cnnzoo.training import (
    OptimizerSettings,
    Recipe,
    ScheduleSettings,
    find_recipe,
)
from keras_cnnzoo.training.schedules import make_schedule

torch = pytest.importorskip("torch")


def _rates(recipe, total):
    schedule = make_schedule(recipe, total)
    rates = [float(schedule(step)) for step in range(total)]
    again = deserialize(serialize(schedule))
    assert float(again(total // 2)) == rates[total // 2]
    return rates


def _torch_rates(rate, total, make):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    schedule, rates = make(optimizer), []
    for _ in range(total):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


@pytest.mark.once
def test_a_cosine_with_warm_up_is_that_of_keras():
    recipe = Recipe(
        optimizer=OptimizerSettings(learning_rate=0.4),
        schedule=ScheduleSettings(kind="cosine", warmup=0.2, floor=0.1),
    )
    theirs = keras.optimizers.schedules.CosineDecay(
        0.0, 80, alpha=0.1, warmup_target=0.4, warmup_steps=20
    )
    expected = [float(theirs(step)) for step in range(100)]
    np.testing.assert_allclose(_rates(recipe, 100), expected, atol=1e-7)


@pytest.mark.once
def test_steps_are_those_of_torch():
    rates = _rates(
        find_recipe("cifar_resnet20", "cifar10").replace({"steps": 640}), 640
    )
    theirs = _torch_rates(
        0.1,
        640,
        lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [320, 480], gamma=0.1),
    )
    np.testing.assert_allclose(rates, theirs, rtol=1e-6)


@pytest.mark.once
def test_the_steps_of_the_papers():
    resnet = find_recipe("cifar_resnet110", "cifar10")
    schedule = make_schedule(resnet, 64_000)
    places = (0, 399, 400, 31_999, 32_000, 47_999, 48_000, 63_999)
    rates = [0.01, 0.01, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001]
    np.testing.assert_allclose([float(schedule(p)) for p in places], rates, rtol=1e-5)
    # 200 epochs of 391 steps, and a fifth of the rate from epochs 60, 120 and 160 on.
    wide = make_schedule(find_recipe("wrn_28_10", "cifar10"), 200 * 391)
    places = (60 * 391 - 1, 60 * 391, 120 * 391, 160 * 391)
    rates = [0.1, 0.02, 0.004, 0.0008]
    np.testing.assert_allclose([float(wide(p)) for p in places], rates, rtol=1e-5)
    imagenet = make_schedule(find_recipe("resnet50", "imagenet"), 90 * 5005)
    places = (30 * 5005 - 1, 30 * 5005, 60 * 5005)
    np.testing.assert_allclose(
        [float(imagenet(p)) for p in places], [0.1, 0.01, 0.001], rtol=1e-5
    )


@pytest.mark.once
def test_a_triangle_is_that_of_numpy():
    settings = ScheduleSettings(kind="linear", warmup=0.23, warmup_from=0.2, floor=0.07)
    recipe = Recipe(optimizer=OptimizerSettings(learning_rate=2.0), schedule=settings)
    expected = np.interp(np.arange(200), [0, 46, 200], [0.4, 2.0, 0.14])
    np.testing.assert_allclose(_rates(recipe, 200), expected, rtol=1e-5)


@pytest.mark.once
@pytest.mark.parametrize("kind", ["cosine", "linear", "constant"])
def test_a_rate_is_held_before_it_falls(kind):
    hold = {} if kind == "constant" else {"hold": 50}
    settings = ScheduleSettings(kind=kind, warmup=10, **hold)
    recipe = Recipe(steps=100, schedule=settings)
    rates = np.array(_rates(recipe, 100)) / recipe.optimizer.learning_rate
    np.testing.assert_allclose(rates[:10], np.arange(10) / 10, atol=1e-6)
    np.testing.assert_allclose(rates[10:60], 1, atol=1e-6)
    ends = {
        "cosine": (1 + np.cos(np.pi * 39 / 40)) / 2,
        "linear": 1 / 40,
        "constant": 1,
    }
    assert rates[-1] == pytest.approx(ends[kind], abs=1e-6)
