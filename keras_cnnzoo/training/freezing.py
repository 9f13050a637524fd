"""Freeze and unfreeze layers, for transfer learning and fine-tuning."""

import difflib
import re
from typing import Literal

import keras

from keras_cnnzoo.structure.walk import sublayers
from keras_cnnzoo.training.order import (
    Path,
    all_paths,
    layers_before,
    weighted_paths,
)
from keras_cnnzoo.training.recompiling import compile_again, compile_settings


def freeze(
    model: keras.Model,
    upto: str | float | None = None,
    *,
    batch_norm: Literal["inference", "adapt"] = "inference",
) -> keras.Model:
    """Freeze the layers before a given one, so that only the end of a network trains.

    Every layer before `upto` gets `trainable = False`, including nested models and
    blocks. The layers from `upto` on are not changed; to freeze less than before, call
    `unfreeze` first. Dropout in frozen layers stays active in training, as in Keras.

    A compiled model is compiled again with the same settings, because the optimizer
    must know which weights it trains. The optimizer's state (momenta, step count) is
    reset.

    Args:
        model: Any built Functional or Sequential model. It is changed in place.
        upto: What is not frozen: the name of the first such layer, also in a nested or
            wrapped model; or the name of the first such stage, such as "stage3", with
            which the names of its layers begin ("stage3_block1"); or the share, from 0
            to 1, of the layers with weights before the head that are frozen, where a
            block counts as one layer. None, like 1.0, freezes all but the last layer
            with weights, the head.
        batch_norm: "inference" runs frozen batch normalisation with its moving
            statistics, which do not change. "adapt" lets it normalise by the batch and
            update the moving statistics, while its scale and offset stay; this suits
            images that differ from those that the model was trained on. A saved model
            does not keep this: call `freeze` again after loading it.

    Returns:
        The same model.

    Raises:
        ValueError: No layer or stage has that name, the share or `batch_norm` is out
            of range, the model has no weights, or it was compiled with a loss or metric
            that Keras cannot recreate.
        TypeError: `upto` is neither a name nor a number.

    Source:
        "adapt": Li et al., "Revisiting Batch Normalization For Practical Domain
        Adaptation", 2016, section 3.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3),
        ...                           keras.layers.Dense(2, name="head")])
        >>> [layer.name for layer in freeze(model).layers if layer.trainable]
        ['head']
    """
    if batch_norm not in ("inference", "adapt"):
        raise ValueError(
            f"`batch_norm` is 'inference' or 'adapt'. Received: {batch_norm!r}"
        )
    freeze_before(model, _first_kept(model, upto), adapt=batch_norm == "adapt")
    return model


def freeze_before(model: keras.Model, path: Path, *, adapt: bool = False) -> None:
    """Freeze the layers before the last layer of `path`; see `freeze`."""
    settings = compile_settings(model)
    for layer in layers_before(model, path):
        _set_trainable(layer, False)
        for norm in sublayers(layer, keras.layers.BatchNormalization) if adapt else ():
            # A layer that is not trainable as a whole would not update its statistics.
            norm.trainable = True
            for weight in norm.trainable_weights:
                weight.trainable = False
    compile_again(model, settings)


def unfreeze(model: keras.Model) -> keras.Model:
    """Make every layer trainable again; undoes `freeze`.

    Weights that never train, such as moving statistics and the constants of
    `ColorNormalization`, stay untrainable. A compiled model is compiled again, as by
    `freeze`. Fine-tuning usually takes a learning rate ten to a hundred times lower
    than that for training the head.

    Args:
        model: Any model. It is changed in place.

    Returns:
        The same model.

    Raises:
        ValueError: It was compiled with a loss or metric that Keras cannot recreate.
    """
    settings = compile_settings(model)
    _set_trainable(model, True)
    compile_again(model, settings)
    return model


def _set_trainable(layer: keras.layers.Layer, value: bool) -> None:
    # On TensorFlow, a value that a layer has already reaches none of its sublayers.
    inside: list[keras.layers.Layer] = sublayers(layer)
    for each in inside:
        each.trainable = not value
        each.trainable = value


def head_paths(model: keras.Model) -> tuple[str, ...]:
    """Return the paths of the head's weights; the head is the last layer with weights.

    Raises:
        ValueError: The model has no weights.
    """
    return tuple(weight.path for weight in weighted_paths(model)[-1][-1].weights)


def _first_kept(model: keras.Model, upto: str | float | None) -> Path:
    """Return the path of the first layer that is not frozen."""
    if isinstance(upto, str):
        return _find(model, upto)
    paths = weighted_paths(model)
    if upto is None:
        return paths[-1]
    if isinstance(upto, bool) or not isinstance(upto, int | float):
        raise TypeError(
            "`upto` is the name of a layer or stage, a share from 0 to 1, or None for "
            f"all but the head. Received: {upto!r}"
        )
    if not 0 <= upto <= 1:
        raise ValueError(
            "As a number, `upto` is the share of the layers to freeze, from 0 to 1. "
            f"Received: {upto}"
        )
    return paths[round(upto * (len(paths) - 1))]


def _find(model: keras.Model, name: str) -> Path:
    """Return the path of the layer of that name, or of the first of that stage."""
    names: dict[str, Path] = {}
    for path in all_paths(model):
        names.setdefault(path[-1].name, path)
    if name in names:
        return names[name]
    # "block2" is also the stage of "block2a_conv", but not of "block21_conv".
    stage = re.compile(rf"{re.escape(name)}(_|(?<=\d)[a-z])")
    for own, path in names.items():
        if stage.match(own):
            return path
    near = difflib.get_close_matches(name, names, cutoff=0.5)
    hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
    raise ValueError(
        f"{model.name!r} has no layer or stage {name!r} to freeze up to.{hint} Its "
        f"last are {', '.join([layer.name for layer in model.layers][-3:])}."
    )
