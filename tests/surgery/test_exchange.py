"""Exchange layers in models of every kind, in a copy and in place."""

import keras
import numpy as np
import pytest
from keras import layers as kl
from keras import ops

from keras_cnnzoo.inspect import find, layer_paths
from keras_cnnzoo.layers import HighwayBlock, ResidualBlock, SqueezeExcite
from keras_cnnzoo.surgery import exchange

SHAPE = (8, 8, 4)


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.block = ResidualBlock(4, name="block")
        self.conv = kl.Conv2D(4, 1, name="one")
        self.act = kl.ReLU(name="act")

    def call(self, x):
        return self.act(self.conv(self.block(x)))


def _functional():
    inputs = keras.Input(SHAPE)
    x = ResidualBlock(4, name="block")(inputs)
    conv = kl.Conv2D(4, 1, name="one")
    x = kl.ReLU(name="act")(conv(x))
    return keras.Model(inputs, kl.Add()([x, conv(x)]))


def _sequential():
    block = ResidualBlock(4, name="block")
    conv, act = kl.Conv2D(4, 1, name="one"), kl.ReLU(name="act")
    return keras.Sequential([keras.Input(SHAPE), block, conv, act])


def _nested():
    inputs = keras.Input(SHAPE)
    inner = keras.Sequential([keras.Input(SHAPE), _functional()], name="inner")
    return keras.Model(inputs, inner(inputs))


def _in_blocks():
    """The same layers, as what blocks of our own and of the user's are made of."""
    conv, act = kl.Conv2D(4, 1, name="one"), kl.ReLU(name="act")
    body = [keras.Sequential([conv], name="within"), act, SqueezeExcite(name="gate")]
    block = ResidualBlock(4, name="block")
    outer = ResidualBlock(body=body, name="outer")
    return keras.Sequential([keras.Input(SHAPE), outer, block, HighwayBlock()])


MODELS = {
    "functional": _functional,
    "sequential": _sequential,
    "nested": _nested,
    "subclassed": Subclassed,
    "in blocks": _in_blocks,
}
in_both_ways = pytest.mark.parametrize("in_place", [False, True])
each_model = pytest.mark.parametrize("kind", MODELS)


def _made(kind):
    model = MODELS[kind]()
    x = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype("float32")
    return model, x, ops.convert_to_numpy(model(x))


def _paths(model):
    inputs = keras.layers.InputLayer
    return [p for p, x in layer_paths(model).items() if not isinstance(x, inputs)]


def _close(model, x, expected):
    np.testing.assert_allclose(
        ops.convert_to_numpy(model(x)), expected, rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(
        model.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5
    )


@each_model
@in_both_ways
def test_a_layer_of_another_class_takes_a_layer_s_place(kind, in_place):
    model, x, expected = _made(kind)

    def other(layer):
        new = kl.Dense(layer.filters)
        new.build(layer.get_build_config()["input_shape"])
        kernel, bias = layer.get_weights()
        new.set_weights([kernel[0, 0], bias])
        return new

    changed = exchange(model, other, "one", in_place=in_place)
    assert (changed is model) is in_place
    (found,) = find(changed, "one").values()
    assert type(found) is kl.Dense
    _close(changed, x, expected)
    if not in_place:
        (kept,) = find(model, "one").values()
        assert type(kept) is kl.Conv2D
        _close(model, x, expected)


@each_model
@in_both_ways
def test_a_layer_inside_a_block_is_exchanged(kind, in_place):
    model, x, expected = _made(kind)
    paths = _paths(model)

    def same(layer):
        return kl.Conv2D.from_config(layer.get_config() | {"activation": "tanh"})

    changed = exchange(model, same, "*block/conv2", in_place=in_place)
    assert _paths(changed) == paths
    if kind != "in blocks":
        names = [w.path for w in model.weights]
        assert [w.path for w in changed.weights] == names
    changed(x)
    assert np.abs(ops.convert_to_numpy(changed(x)) - expected).max() > 1e-3
    back = exchange(
        changed,
        lambda layer: kl.Conv2D.from_config(
            layer.get_config() | {"activation": "linear"}
        ),
        "*block/conv2",
    )
    _close(back, x, expected)


@each_model
@in_both_ways
def test_layers_are_added_and_left_out(kind, in_place):
    model, x, expected = _made(kind)
    longer = exchange(
        model,
        lambda layer: [layer, kl.Rescaling(2.0), kl.Rescaling(0.5)],
        "one",
        in_place=in_place,
    )
    _close(longer, x, expected)
    assert len(find(longer, kl.Rescaling)) == 2
    gone = exchange(longer, lambda layer: [], "one", in_place=in_place)
    assert not [p for p in layer_paths(gone) if p.endswith("rescaling")]
    assert type(next(iter(find(gone, "one").values()))) is kl.Identity
    assert gone.predict(x, verbose=0).shape == expected.shape


def test_a_model_without_some_layers_is_saved(tmp_path):
    model, x, _ = _made("functional")
    gone = exchange(model, lambda layer: [], "act")
    gone.save(tmp_path / "gone.keras")
    again = keras.saving.load_model(tmp_path / "gone.keras")
    _close(again, x, gone.predict(x, verbose=0))


@each_model
@in_both_ways
def test_an_exchanged_model_trains(kind, in_place):
    model, x, expected = _made(kind)
    model.compile("sgd", "mse")
    model.fit(x, expected, verbose=0)

    def fresh(layer):
        return kl.Conv2D.from_config(layer.get_config())

    changed = exchange(model, fresh, "*block/conv*", in_place=in_place)
    before = [np.array(w) for w in changed.get_weights()]
    changed.compile("sgd", "mse")
    changed.fit(x, expected + 1, verbose=0)
    names = [w.path for w in changed.weights]
    moved = [
        name
        for name, old, new in zip(names, before, changed.get_weights(), strict=True)
        if np.abs(old - new).max() > 0
    ]
    assert sum("block/conv" in name and "kernel" in name for name in moved) >= 2


def test_what_is_exchanged_is_saved(revived):
    def rows():
        for kind in set(MODELS) - {"subclassed"}:
            model, x, _ = _made(kind)
            for in_place in (False, True):
                changed = exchange(
                    model,
                    lambda layer: kl.BatchNormalization(epsilon=0.5),
                    "*block/bn*",
                    in_place=in_place,
                )
                changed = exchange(changed, lambda _: kl.Activation("tanh"), "act")
                yield f"{kind}_{in_place}".replace(" ", "_"), changed, x

    for name, before, after in revived(rows()):
        np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-5, err_msg=name)


def test_a_nested_model_is_exchanged_as_a_whole():
    model, x, _ = _made("nested")
    changed = exchange(model, lambda layer: kl.Conv2D(4, 1), "inner")
    assert list(find(changed, kl.Conv2D)) == ["inner"]
    assert changed.predict(x, verbose=0).shape == (2, *SHAPE)


def test_a_layer_called_twice_is_exchanged_once():
    model, x, _ = _made("functional")
    calls = []
    exchange(model, lambda layer: calls.append(layer), "one")
    assert len(calls) == 1
    changed = exchange(model, lambda layer: kl.Conv2D(4, 1), "one")
    assert len(find(changed, "one")) == 1
    _close(changed, x, ops.convert_to_numpy(model(x)))


def test_an_unknown_selection_is_told_so():
    with pytest.raises(ValueError, match="matches 'cnv'"):
        exchange(_functional(), lambda layer: None, "cnv")
