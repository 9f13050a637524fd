"""Small random networks, and by brute force which pixels each of their units sees."""

import random

import keras
import numpy as np
from keras import layers, ops

from keras_cnnzoo.layers import AdaptivePooling2D


def chain(seed, data_format="channels_last", rules=None):
    """Build a network of a few random parts; its weights are positive.

    So is what it gives for positive images, and no path cancels another.
    """
    draw = random.Random(seed)
    size = (draw.randint(7, 17), draw.randint(7, 17))
    first = data_format == "channels_first"
    inputs = keras.Input((2, *size) if first else (*size, 2))
    x = inputs
    last = []
    for _ in range(draw.randint(2, 5)):
        for _ in range(20):  # Some parts do not fit a small map.
            part = draw.choice(rules or PARTS)
            try:
                y = part(x, draw, data_format)
            except ValueError:
                continue
            if _fits(y, data_format):
                x = y
                last.append(part.__name__)
                break
    model = keras.Model(inputs, layers.Activation("linear", name="end")(x))
    for i, weight in enumerate(model.weights):
        weight.assign(np.random.default_rng(i).uniform(0.5, 1.0, weight.shape))
    return model, size, last


def _fits(x, data_format):
    sides = x.shape[2:] if data_format == "channels_first" else x.shape[1:3]
    return len(x.shape) == 4 and all(2 <= side <= 40 for side in sides)


def seen(model, size, data_format="channels_last"):
    """Return for both axes which pixels each unit sees, `(pixels, rows, columns)`.

    One line of the image after the other is lit; a unit that answers sees it.
    """
    images = np.zeros((sum(size), *size, 2), "float32")
    for i in range(size[0]):
        images[i, i] = 1
    for i in range(size[1]):
        images[size[0] + i, :, i] = 1
    if data_format == "channels_first":
        images = np.moveaxis(images, -1, 1)
    answers = ops.convert_to_numpy(model(images, training=False))
    channels = 1 if data_format == "channels_first" else -1
    # Where a position falls on a pixel, rounding leaves a trace of its neighbour.
    lit = (np.abs(answers) > 1e-6 * np.abs(answers).max()).any(channels)
    return lit[: size[0]], lit[size[0] :]


def _conv(x, draw, form):
    same = draw.choice(["same", "valid"])
    stride, dilation = draw.choice([(1, 1), (1, 1), (2, 1), (3, 1), (1, 2), (1, 3)])
    return layers.Conv2D(
        2,
        (draw.randint(1, 4), draw.randint(1, 4)),
        strides=stride,
        dilation_rate=dilation,
        padding=same,
        data_format=form,
        use_bias=False,
    )(x)


def _separable(x, draw, form):
    kind = draw.choice(
        [layers.DepthwiseConv2D, lambda k, **kw: layers.SeparableConv2D(2, k, **kw)]
    )
    return kind(
        draw.randint(1, 3),
        padding=draw.choice(["same", "valid"]),
        strides=draw.randint(1, 2),
        use_bias=False,
        data_format=form,
    )(x)


def _pool(x, draw, form):
    kind = draw.choice([layers.MaxPooling2D, layers.AveragePooling2D])
    return kind(
        draw.randint(1, 3),
        strides=draw.choice([None, 1, 2]),
        padding=draw.choice(["same", "valid"]),
        data_format=form,
    )(x)


def _larger(x, draw, form):
    size = (draw.randint(1, 3), draw.randint(1, 3))
    return layers.UpSampling2D(size, data_format=form)(x)


def _transposed(x, draw, form):
    kernel, stride = draw.randint(1, 4), draw.randint(1, 3)
    return layers.Conv2DTranspose(
        2,
        kernel,
        strides=stride,
        padding=draw.choice(["same", "valid"]),
        data_format=form,
        use_bias=False,
    )(x)


def _padded(x, draw, form):
    sides = [(draw.randint(0, 3), draw.randint(0, 3)) for _ in range(2)]
    return layers.ZeroPadding2D(sides, data_format=form)(x)


def _mirrored(x, draw, form):
    pairs = [(draw.randint(1, 2), draw.randint(1, 2)) for _ in range(2)]
    if min(x.shape[2:] if form == "channels_first" else x.shape[1:3]) < 4:
        raise ValueError("nothing to mirror")
    sides = [
        (0, 0),
        *([(0, 0), *pairs] if form == "channels_first" else [*pairs, (0, 0)]),
    ]
    return ops.pad(x, sides, mode=draw.choice(["reflect", "symmetric"]))


def _cropped(x, draw, form):
    sides = [(draw.randint(0, 3), draw.randint(0, 3)) for _ in range(2)]
    return layers.Cropping2D(sides, data_format=form)(x)


def _exchanged(x, draw, form):
    return layers.Permute((1, 3, 2) if form == "channels_first" else (2, 1, 3))(x)


def _beside(x, draw, form):
    axis = draw.randint(1, 3)
    shift = ops.flip(x, draw.choice([1, 2, 3]))
    return layers.Concatenate(axis)([x, shift] if draw.random() < 0.5 else [shift, x])


def _channels(x, draw, form):
    axis = 1 if form == "channels_first" else -1
    other = layers.Conv2D(2, 3, padding="same", use_bias=False, data_format=form)(x)
    return layers.Concatenate(axis)([x, other])


def _shortcut(x, draw, form):
    other = layers.Conv2D(
        x.shape[1 if form == "channels_first" else -1],
        draw.randint(1, 3),
        dilation_rate=draw.randint(1, 2),
        padding="same",
        use_bias=False,
        data_format=form,
    )(x)
    return layers.Add()([x, other])


def _adaptive(x, draw, form):
    sides = x.shape[2:] if form == "channels_first" else x.shape[1:3]
    size = tuple(draw.randint(2, side) for side in sides)
    kinds = [layers.AdaptiveAveragePooling2D, layers.AdaptiveMaxPooling2D]
    if draw.random() < 0.3:
        return AdaptivePooling2D(draw.randint(2, 9), data_format=form)(x)
    return draw.choice(kinds)(size, data_format=form)(x)


def _resized(x, draw, form):
    size = (draw.randint(2, 20), draw.randint(2, 20))
    return ops.image.resize(x, size, interpolation="bilinear", data_format=form)


def _rolled(x, draw, form):
    first = 2 if form == "channels_first" else 1
    return ops.roll(x, draw.randint(-3, 3), axis=draw.choice([first, first + 1]))


def _sliced(x, draw, form):
    start, step = draw.randint(0, 2), draw.randint(1, 2)
    if form == "channels_first":
        return x[:, :, start::step, step:]
    return x[:, start::step, step:]


def _shuffled(x, draw, form):
    if form == "channels_first":
        return layers.UpSampling2D(2, data_format=form)(x)
    wide = layers.Conv2D(8, 1, use_bias=False)(x)
    height, width = x.shape[1:3]
    parts = ops.reshape(wide, (-1, height, width, 2, 2, 2))
    parts = ops.transpose(parts, (0, 1, 3, 2, 4, 5))
    return ops.reshape(parts, (-1, 2 * height, 2 * width, 2))


def _tokens(x, draw, form):
    a, b, c = x.shape[1:]
    if form == "channels_first":
        return ops.reshape(ops.reshape(x, (-1, a, b * c)), (-1, a, b, c))
    return ops.reshape(ops.reshape(x, (-1, a * b, c)), (-1, a, b, c))


PARTS = [
    _conv,
    _conv,
    _separable,
    _pool,
    _larger,
    _transposed,
    _padded,
    _mirrored,
    _cropped,
    _exchanged,
    _beside,
    _channels,
    _shortcut,
    _adaptive,
    _resized,
    _rolled,
    _sliced,
    _shuffled,
    _tokens,
]
#: Each unit of these sees the same columns in each row, and the same rows in each
#: column; a region, which is made of both, can then be exact. (Of tokens, a cut may mix
#: them.)
EXACT = [part for part in PARTS if part not in (_beside, _tokens, _rolled)]
