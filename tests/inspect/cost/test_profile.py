"""What a model costs: as others count it, and as it is written down."""

import csv
import io
import json
import math
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from rich.console import Console

from keras_cnnzoo import build
from keras_cnnzoo.inspect import (
    count_macs,
    count_params,
    dense_equivalent,
    profile,
    receptive_field,
)

REFERENCES = Path(__file__).parents[2] / "references" / "profiles.json"
#: What fvcore and torchinfo count in torchvision's networks.
COUNTED = json.loads(REFERENCES.read_text())
FIRST = ("resnet18", "mobilenet_v2", "densenet121", "resnext50_32x4d")


@pytest.mark.once
@pytest.mark.parametrize(
    "name",
    [n if n in FIRST else pytest.param(n, marks=pytest.mark.slow) for n in COUNTED],
)
def test_each_layer_costs_what_fvcore_and_torchinfo_count(name):
    counted = COUNTED[name]
    size = counted["size"]
    costs = profile(build(name, input_shape=(size, size, 3)))
    assert sorted(row.macs for row in costs.rows if row.macs) == counted["macs"]
    assert costs.macs == counted["macs_total"]
    assert sorted(row.params for row in costs.rows if row.params) == counted["params"]
    assert costs.params == counted["params_total"]


def test_rows_add_up_for_every_kind_of_model(subject):
    _, model, about = subject
    costs = profile(model, batch_size=3)
    (*_, last) = [row for row in costs.rows if row.path != model.name]
    assert last.output_shape == (about.classes,)
    assert costs.macs == count_macs(model, about.shape)
    assert costs.params == count_params(model)
    weights = sum(math.prod(w.shape) for w in model.weights)
    assert costs.params + costs.fixed == weights
    assert sum(row.macs_share for row in costs.rows) == pytest.approx(1)
    assert sum(row.params_share for row in costs.rows) == pytest.approx(1)
    assert sum(row.memory_share for row in costs.rows) == pytest.approx(1)
    kept = sum(row.activation_bytes for row in costs.rows)
    assert costs.memory.activations == kept
    # Nothing is alive that nothing has made, but for the images.
    assert 0 < costs.memory.peak <= kept + 3 * 4 * math.prod(about.shape)
    fields = receptive_field(model)
    assert all(row.field == fields.get(row.path, row.field) for row in costs.rows)


@pytest.mark.once
def test_a_layer_that_is_called_twice_has_its_weights_once():
    inputs = keras.Input((8, 8, 4))
    conv = layers.Conv2D(4, 3, padding="same", name="conv")
    costs = profile(keras.Model(inputs, conv(conv(inputs))))
    assert [(row.path, row.params, row.macs) for row in costs.rows] == [
        ("conv", 148, 9216),
        ("conv:1", 0, 9216),
    ]


@pytest.mark.once
def test_layers_that_call_others_unseen_count_all_the_same():
    clip = keras.Input((5, 8, 8, 3))
    x = keras.layers.TimeDistributed(keras.layers.Conv2D(4, 3), name="frames")(clip)
    x = keras.layers.Reshape((5, -1))(x)
    x = keras.layers.EinsumDense("abc,cd->abd", (None, 7), name="dense")(x)
    model = keras.Model(clip, keras.layers.GRU(3)(x))
    rows = {row.path: row for row in profile(model).rows}
    # Each of 5 frames is convolved to 6 x 6 pixels; the recurrence is left out.
    assert rows["frames"].macs == 5 * 6 * 6 * 3 * 3 * 3 * 4
    assert rows["frames"].params == 3 * 3 * 3 * 4 + 4
    assert rows["dense"].macs == 5 * (6 * 6 * 4) * 7
    assert profile(model).params == model.count_params()
    assert count_macs(model) == rows["frames"].macs + rows["dense"].macs


def test_the_memory_of_a_chain_and_of_a_shortcut():
    inputs = keras.Input((8, 8, 4))
    map_bytes = 8 * 8 * 4 * 4
    same = {"padding": "same", "use_bias": False}
    x = layers.Conv2D(4, 3, name="a", **same)(inputs)
    x = layers.ReLU()(x)
    x = layers.Conv2D(4, 3, name="b", **same)(x)
    chain = keras.Model(inputs, layers.Flatten()(x))
    held = profile(chain, batch_size=5, optimizer_slots=1).memory
    # One map goes into a convolution and one comes out; what is pixelwise writes over
    # its input, and flattening moves nothing.
    assert held.peak == 5 * 2 * map_bytes
    assert held.weights == held.gradients == held.slots == 4 * 2 * 3 * 3 * 4 * 4
    assert held.activations == 5 * 4 * map_bytes
    assert held.training == 3 * held.weights + held.activations
    assert held.inference == held.weights + held.peak
    # A shortcut keeps the image until it is added.
    added = keras.Model(inputs, layers.Add()([inputs, x]))
    assert profile(added).memory.peak == 3 * map_bytes


@pytest.mark.once
def test_bytes_follow_the_dtype(policy):
    def small():
        inputs = keras.Input((8, 8, 4))
        return keras.Model(inputs, layers.Conv2D(4, 3)(inputs))

    full = profile(small()).memory
    policy("mixed_float16")
    half = profile(small()).memory
    assert half.activations * 2 == full.activations
    assert half.weights == full.weights


@pytest.mark.once
def test_what_a_fully_connected_layer_would_cost():
    assert dense_equivalent((100, 100), 1000) == 10_000_000
    inputs = keras.Input((28, 28, 3))
    x = layers.Conv2D(4, 5, name="conv")(inputs)
    (row, *_) = profile(keras.Model(inputs, x)).rows
    layer = layers.Dense(24 * 24 * 4, use_bias=False)
    layer.build((None, 28 * 28 * 3))
    assert row.dense == layer.count_params()


@pytest.fixture
def costs():
    return profile(build("lenet5"), batch_size=2)


@pytest.mark.once
def test_it_prints_as_aligned_text(costs):
    title, heading, *lines = str(costs).splitlines()
    assert title == "lenet5: 2 images of 32x32x1"
    assert heading.split()[:4] == ["layer", "kind", "output", "params"]
    rows = lines[: len(costs.rows)]
    for row, line in zip(costs.rows, rows, strict=True):
        assert line.startswith(row.path)
        end = heading.index("MACs") + len("MACs")
        assert line[:end].endswith(f"{row.macs:,}")
    assert "60,850 trainable parameters, 2 others" in lines[len(rows)]
    assert lines[-2].startswith("inference: ")


@pytest.mark.once
def test_it_is_a_rich_table(costs):
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(costs.table())
    shown = console.export_text()
    assert "PartialConv2D" in shown
    assert "326,520 multiply-accumulates" in shown


@pytest.mark.once
def test_it_is_columns_and_a_csv_file(costs, tmp_path):
    columns = costs.columns
    assert {len(column) for column in columns.values()} == {len(costs.rows)}
    assert columns["output_shape"][1] == "28x28x6"
    assert columns["field"][1] == "5x5"
    path = tmp_path / "costs.csv"
    costs.to_csv(path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == columns["path"]
    assert sum(int(row["macs"]) for row in rows) == 326_520
    before = path.read_text()
    with pytest.raises(OSError, match="could not be written"):
        costs.to_csv(tmp_path / "gone" / "costs.csv")
    assert path.read_text() == before
    assert [p.name for p in tmp_path.iterdir()] == ["costs.csv"]


@pytest.mark.once
def test_what_is_not_known_is_asked_for():
    model = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match="cost depends on the size"):
        profile(model)
    assert profile(model, (8, 8, 3)).macs == 6 * 6 * 54
    with pytest.raises(ValueError, match="`batch_size` is at least 1"):
        profile(model, (8, 8, 3), batch_size=0)


@pytest.mark.once
def test_a_subclassed_model_needs_no_shape_once_it_was_called(rng):
    class Scaled(keras.Model):
        def __init__(self):
            super().__init__(name="scaled")
            self.conv = layers.Conv2D(2, 3, name="conv")
            self.scale = self.add_weight(name="scale", shape=(2,))

        def call(self, x):
            return self.conv(x) * self.scale

    model = Scaled()
    with pytest.raises(ValueError, match="'scaled' does not say what images it takes"):
        profile(model)
    model(rng.normal(size=(1, 8, 8, 3)).astype("float32"))
    costs = profile(model)
    assert [(row.path, row.params) for row in costs.rows] == [
        ("conv", 56),
        ("scaled", 2),
    ]
    assert np.isclose(costs.rows[0].macs_share, 1)
