"""Muon on convolutions, equal to timm's."""

import functools

import keras
import numpy as np
import pytest
from keras import layers, ops
from torch_references import reference

from keras_cnnzoo import build
from keras_cnnzoo.training import Muon

#: Kernels of Keras: a wide and a narrow matrix, 1x1, grouped, 3-D, dense.
SHAPES = [
    (3, 3, 8, 16),
    (3, 3, 4, 64),
    (1, 1, 32, 8),
    (5, 5, 3, 6),
    (2, 2, 2, 4, 8),
    (24, 10),
]
HEAD = (8, 5)


@pytest.fixture(scope="module")
def timm_muon():
    """The module of timm's Muon, which computes in bfloat16 unless it is told."""
    muon = reference("timm.optim.muon")
    torch = pytest.importorskip("torch")
    with pytest.MonkeyPatch.context() as patch:
        exact = functools.partial(muon.zeropower_via_newtonschulz, dtype=torch.float32)
        patch.setattr(muon, "zeropower_via_newtonschulz", exact)
        yield muon


def to_torch(weight):
    """Return a kernel in PyTorch's order: filters, input channels, window."""
    return np.ascontiguousarray(np.moveaxis(weight, (-1, -2), (0, 1)))


def from_torch(weight):
    return np.moveaxis(weight, (0, 1), (-1, -2))


def newton_schulz(matrix, steps=5):
    x = matrix / np.linalg.norm(matrix)
    for _ in range(steps):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x


def kernel(value, layer="conv"):
    with keras.name_scope(layer):
        return keras.Variable(value, name="kernel")


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("rms_rate", [0.2, None])
def test_steps_equal_timms(timm_muon, rng, nesterov, rms_rate):
    torch = pytest.importorskip("torch")
    starts = [rng.normal(size=s).astype("float32") for s in SHAPES]
    ours = [kernel(start) for start in starts]
    head = kernel(np.zeros(HEAD, "float32"), "head")
    theirs = [torch.nn.Parameter(torch.tensor(to_torch(s))) for s in starts]
    settings = {"momentum": 0.9, "nesterov": nesterov, "weight_decay": 0.05}
    optimizer = Muon(0.02, rms_rate=rms_rate, **settings)
    reference = timm_muon.Muon(
        theirs,
        lr=0.02,
        ns_coefficients="original",
        adjust_lr_fn="match_rms_adamw" if rms_rate else None,
        **settings,
    )
    for _ in range(5):
        gradients = [rng.normal(size=s).astype("float32") for s in SHAPES]
        for parameter, gradient in zip(theirs, gradients, strict=True):
            parameter.grad = torch.tensor(to_torch(gradient))
        reference.step()
        optimizer.apply(
            [*map(ops.convert_to_tensor, gradients), ops.zeros(HEAD)], [*ours, head]
        )
    assert len(optimizer.matrices) == len(SHAPES)
    for weight, parameter in zip(ours, theirs, strict=True):
        wanted = from_torch(parameter.detach().numpy())
        np.testing.assert_allclose(
            ops.convert_to_numpy(weight), wanted, atol=1e-5, rtol=0
        )


def test_the_first_step_is_the_iteration_of_the_gradient(rng):
    gradient = rng.normal(size=(3, 3, 4, 8)).astype("float32")
    weight = kernel(np.zeros((3, 3, 4, 8), "float32"))
    head = kernel(np.zeros(HEAD, "float32"), "head")
    optimizer = Muon(1.0, rms_rate=None, weight_decay=0.0)
    optimizer.apply([ops.convert_to_tensor(gradient), ops.zeros(HEAD)], [weight, head])
    wanted = newton_schulz(gradient.reshape(36, 8).T.astype(float)).T
    moved = -ops.convert_to_numpy(weight).reshape(36, 8)
    np.testing.assert_allclose(moved, wanted, atol=1e-5)
    # Five iterations bring all singular values near 1.
    singular = np.linalg.svd(moved, compute_uv=False)
    assert singular.min() > 0.6
    assert singular.max() < 1.3


@pytest.mark.once
@pytest.mark.parametrize(
    "shape",
    [
        (64, 32, 3, 3),
        (64, 3, 7, 7),
        (64, 1, 3, 3),
        (1, 64, 3, 3),
        (3, 64, 1, 1),
        (64, 2, 1, 1),
        (4, 60, 3, 3),
        (4, 56, 3, 3),
        (256, 8),
    ],
)
def test_the_same_shapes_are_taken_as_by_timm(timm_muon, shape):
    torch = pytest.importorskip("torch")
    weight = kernel(from_torch(np.zeros(shape, "float32")))
    optimizer = Muon()
    optimizer.build([weight, kernel(np.zeros(HEAD), "head")])
    taken = timm_muon._is_suitable_for_muon(torch.zeros(shape))
    assert bool(optimizer.matrices) == taken


@pytest.mark.once
def test_convolutions_are_taken_and_all_else_is_left_to_adamw():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 8)),
            layers.Conv2D(8, 3, name="conv"),
            layers.BatchNormalization(name="bn"),
            layers.DepthwiseConv2D(3, depth_multiplier=4, name="depthwise"),
            layers.Conv2D(32, 3, groups=32, name="grouped"),
            layers.SeparableConv2D(16, 1, name="separable"),
            layers.Conv2D(16, 1, name="second_head"),
            layers.Flatten(),
            layers.Dense(16, name="dense"),
            layers.Dense(5, name="classes"),
        ],
        name="net",
    )
    optimizer = Muon(exclude_layers=["second_head/"])
    optimizer.build(model.trainable_variables)
    assert optimizer.matrices == (
        "net/conv/kernel",
        "net/separable/pointwise_kernel",
        "net/dense/kernel",
    )


@pytest.mark.once
@pytest.mark.parametrize("name", ["cifar_resnet20", "mobilenet_v2"])
def test_a_network_of_the_zoo_keeps_its_head_and_depthwise_kernels(name):
    model = build(name, input_shape=(32, 32, 3), classes=10)
    optimizer = Muon()
    optimizer.build(model.trainable_variables)
    depthwise = {
        layer.kernel.path
        for layer in model._flatten_layers()
        if isinstance(layer, layers.DepthwiseConv2D)
    }
    kernels = {w.path for w in model.trainable_variables if len(w.shape) == 4}
    assert set(optimizer.matrices) == kernels - depthwise
    assert bool(depthwise) == (name == "mobilenet_v2")


def test_the_other_weights_move_as_by_adamw(rng):
    start, gradient = rng.normal(size=(2, 7)).astype("float32")
    moved = []
    for optimizer in (
        Muon(0.01, adam_weight_decay=0.1),
        keras.optimizers.AdamW(0.01, weight_decay=0.1),
    ):
        weight = keras.Variable(start, name="bias")
        for scale in (1.0, -0.3, 2.0):
            optimizer.apply([ops.convert_to_tensor(scale * gradient)], [weight])
        moved.append(ops.convert_to_numpy(weight))
    np.testing.assert_allclose(*moved, atol=1e-6)


def small_model():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(8, 3, name="conv"),
            layers.BatchNormalization(name="bn"),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, name="head", dtype="float32"),
        ],
        name="net",
    )
    optimizer = Muon(1e-3, exclude_layers=["nothing"], rms_rate=0.3)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss)
    return model


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_fit_learns_and_a_saved_model_goes_on_where_it_was(
    precision, policy, rng, tmp_path
):
    policy(precision)
    x = rng.normal(size=(32, 8, 8, 3)).astype("float32")
    y = (x.mean(axis=(1, 2, 3)) > 0).astype("int32")
    model = small_model()
    losses = model.fit(x, y, epochs=8, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    inner = getattr(again.optimizer, "inner_optimizer", again.optimizer)
    assert type(inner) is Muon
    assert (inner.exclude_layers, inner.rms_rate) == (["nothing"], 0.3)
    # Keras leaves the model's name out of the paths of a loaded Sequential.
    assert inner.matrices == ("conv/kernel",)
    for both in (model, again):
        both.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
