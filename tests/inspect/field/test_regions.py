"""What one unit sees: every pixel that changes it, and where it can be, no other."""

import chains
import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_cnnzoo.inspect import ReceptiveField, profile, receptive_field
from keras_cnnzoo.layers import AdaptivePooling2D


def _compared(field, model, size, form="channels_last"):
    """Return whether regions hold all that units see, and by how much they are wider.

    What is wider is counted along one axis, in pixels.
    """
    rows, columns = chains.seen(model, size, form)
    sound, wider = True, 0
    for unit in np.ndindex(*rows.shape[1:]):
        lines = [np.flatnonzero(lit[:, *unit]) for lit in (rows, columns)]
        region = field.region(unit, size)
        padded = field.region(unit)
        spans = [part.stop - part.start for part in region]
        if not all(map(len, lines)):
            wider = max(wider, min(spans))
            continue
        for line, one, with_padding, span in zip(
            lines, region, padded, spans, strict=True
        ):
            for part in (one, with_padding):
                sound &= part.start <= line[0] and line[-1] < part.stop
            wider = max(wider, span - (line[-1] - line[0] + 1))
    return sound, wider


@pytest.mark.once
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_random_networks_see_what_changes_them(data_format, request):
    if data_format == "channels_first":
        request.getfixturevalue("channels_first")
    for seed in range(40):
        model, size, _ = chains.chain(seed, data_format, chains.EXACT)
        field = receptive_field(model, "end")["end"]
        sound, wider = _compared(field, model, size, data_format)
        assert sound, seed
        assert wider <= max(1, *map(abs, field.stride)), seed


@pytest.mark.once
def test_random_networks_of_all_parts_miss_nothing():
    for seed in range(40):
        model, size, parts = chains.chain(1000 + seed)
        field = receptive_field(model, "end")["end"]
        assert _compared(field, model, size)[0], (seed, parts)


def _chain(size, *parts):
    inputs = keras.Input((*size, 2))
    x = inputs
    for part in parts:
        x = part(x)
    model = keras.Model(inputs, layers.Activation("linear", name="end")(x))
    for weight in model.weights:
        weight.assign(np.ones(weight.shape))
    return model, receptive_field(model, "end")["end"]


def _conv(kernel, **options):
    return layers.Conv2D(2, kernel, use_bias=False, **options)


def _transposed(kernel, stride, **options):
    return layers.Conv2DTranspose(2, kernel, strides=stride, use_bias=False, **options)


LARGER = {
    "enlarged": [layers.UpSampling2D(2)],
    "by three": [_conv(3, strides=2), layers.UpSampling2D(3)],
    "smooth": [layers.UpSampling2D((2, 3), interpolation="bilinear")],
    "super-resolution": [
        _conv(3, padding="same"),
        _transposed(4, 2, padding="same"),
        _transposed(3, 3),
        _conv(3, padding="same"),
    ],
    "kernel smaller than the stride": [_transposed(1, 3), _conv(2)],
    "down and up": [
        _conv(3, strides=2, padding="same"),
        _conv(3, strides=2, padding="same"),
        layers.UpSampling2D(4),
        layers.MaxPooling2D(3),
        _conv(3, dilation_rate=2, padding="same"),
    ],
    "dilated and transposed": [_transposed(3, 1, dilation_rate=2)],
    "resized": [lambda x: ops.image.resize(x, (31, 9), interpolation="bilinear")],
    "to the nearest": [lambda x: ops.image.resize(x, (31, 9), interpolation="nearest")],
}


@pytest.mark.parametrize("name", LARGER)
def test_larger_maps_lose_no_pixel(name):
    if name == "dilated and transposed" and keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow computes no dilated transposed convolution on a CPU")
    model, field = _chain((18, 22), *LARGER[name])
    sound, wider = _compared(field, model, (18, 22))
    assert sound
    # On a boundary between two pixels, backends choose differently.
    assert wider <= (1 if name == "to the nearest" else 0)


@pytest.mark.once
def test_the_regions_of_an_enlarged_map():
    _, field = _chain((18, 22), layers.UpSampling2D(2))
    assert field.region((0, 0)) == (slice(0, 1), slice(0, 1))
    assert field.region((5, 43)) == (slice(2, 3), slice(21, 22))
    assert field.stride == (0.5, 0.5)
    assert field.size == (1, 1)


@pytest.mark.once
def test_enlarged_maps_of_images_of_any_size():
    inputs = keras.Input((None, None, 1))
    x = layers.UpSampling2D(3)(layers.Conv2D(1, 3, strides=2)(inputs))
    field = receptive_field(keras.Model(inputs, x), layers.UpSampling2D)
    (field,) = field.values()
    assert field.region((0, 5)) == (slice(0, 3), slice(2, 5))
    # So does one that is made of the numbers alone, at most a stride wider.
    alone = ReceptiveField(field.size, field.stride, field.start)
    for i in range(12):
        inner, outer = field.region((i, i))[0], alone.region((i, i))[0]
        assert outer.start <= inner.start < inner.stop <= outer.stop
        assert inner.start - outer.start <= 2
        assert outer.stop - inner.stop <= 2


EXCHANGED = {
    "permuted": layers.Permute((2, 1, 3)),
    "transposed": lambda x: ops.transpose(x, (0, 2, 1, 3)),
    "moved": lambda x: ops.moveaxis(x, 1, 2),
    "turned": lambda x: ops.rot90(x, 1, (1, 2)),
    "turned back": lambda x: ops.rot90(x, 3, (1, 2)),
}


@pytest.mark.once
@pytest.mark.parametrize("name", EXCHANGED)
def test_rows_and_columns_are_exchanged(name):
    model, field = _chain((20, 24), _conv((3, 5)), EXCHANGED[name])
    assert _compared(field, model, (20, 24)) == (True, 0)
    assert field.order == (1, 0)
    if name == "permuted":
        assert field.region((19, 0)) == (slice(0, 3), slice(19, 24))
    # And once more is as before.
    _, field = _chain(
        (20, 24), _conv((3, 5)), EXCHANGED[name], layers.Permute((2, 1, 3))
    )
    assert field.order is None


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    "kind",
    [layers.AdaptiveAveragePooling2D, layers.AdaptiveMaxPooling2D, AdaptivePooling2D],
)
def test_adaptive_pooling_is_seen_as_it_is(kind, data_format):
    first = data_format == "channels_first"
    inputs = keras.Input((3, 15, 15) if first else (15, 15, 3))
    x = kind(4, data_format=data_format, name="pool")(inputs)
    x = layers.Conv2D(5, 2, data_format=data_format, name="conv")(x)
    try:
        model = keras.Model(inputs, x)
        pool = keras.Model(inputs, model.get_layer("pool").output)
        rows, columns = chains.seen(_doubled(pool, first), (15, 15), data_format)
    except Exception as error:  # TensorFlow convolves no channels first on a CPU.
        assert first
        assert keras.backend.backend() == "tensorflow"
        pytest.skip(str(error)[:60])
    costs = {row.path: row for row in profile(model).rows}
    assert costs["pool"].output_shape == ((3, 4, 4) if first else (4, 4, 3))
    assert costs["conv"].output_shape == ((5, 3, 3) if first else (3, 3, 5))
    assert costs["conv"].macs == 3 * 3 * 5 * 2 * 2 * 3
    field = costs["pool"].field
    assert field.size == (5, 5)
    for unit in np.ndindex(4, 4):
        for lit, part in zip((rows, columns), field.region(unit), strict=True):
            (line,) = np.nonzero(lit[:, *unit])
            assert (part.start, part.stop) == (line[0], line[-1] + 1)


def _doubled(model, first):
    """Have a model of three channels take two, as `chains` gives them."""
    inputs = keras.Input((2, 15, 15) if first else (15, 15, 2))
    return keras.Model(
        inputs,
        model(
            ops.repeat(inputs, 2, 1 if first else -1)[
                (slice(None), slice(3)) if first else (..., slice(3))
            ]
        ),
    )


@pytest.mark.once
def test_each_step_of_time_is_seen_by_itself():
    clip = keras.Input((5, 12, 10, 3))
    x = layers.TimeDistributed(layers.Conv2D(2, 3, padding="same"), name="frames")(clip)
    x = layers.TimeDistributed(layers.MaxPooling2D(2), name="pooled")(x)
    x = layers.TimeDistributed(layers.Flatten(), name="flat")(x)
    fields = receptive_field(keras.Model(clip, x))
    assert fields["frames"] == ReceptiveField((1, 3, 3), (1, 1, 1), (0, -1, -1))
    assert fields["pooled"] == ReceptiveField((1, 4, 4), (1, 2, 2), (0, -1, -1))
    assert fields["flat"].size == (1, 14, 12)
    assert fields["flat"].region((3, 0, 0))[0] == slice(3, 4)
