"""Inception modules: parallel branches on one feature map, their outputs concatenated.

A module is a sequence of branches, and a branch is a sequence of steps:

    MODULE = (
        (Conv(64, 1),),
        (Conv(96, 1), Conv(128, (1, 7)), Conv(128, (7, 1))),
        (Pool("max"), Conv(32, 1)),
    )
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keras import layers

from keras_cnnzoo.axes import channel_axis
from keras_cnnzoo.blocks.conv import batch_norm


class Conv(NamedTuple):
    """A convolution with its batch norm and ReLU.

    `kernel` is one size, or height and width. By default `padding` is "same" for a
    stride of 1, and "valid" otherwise.
    """

    filters: int
    kernel: int | tuple[int, int]
    stride: int = 1
    padding: str = ""


class Pool(NamedTuple):
    """A 3x3 pooling: "max", "avg", or "border", which averages padding zeros too."""

    kind: str
    stride: int = 1
    padding: str = ""


class Fork(NamedTuple):
    """Several convolutions on the same feature map, at the end of a branch."""

    ways: tuple[Conv, ...]


Step = Conv | Pool | Fork
Branch = Sequence[Step]


def branches(
    x: Any,
    table: Sequence[Branch],
    *,
    bn: Mapping[str, float] | None,
    join: str = "",
    name: str,
) -> Any:
    """Concatenate the outputs of all branches, in order, along the channels.

    The layers of step 2 of branch 1 are `{name}_branch1_step2_conv`, `_bn` and `_relu`;
    those of a fork are `_step2a_conv`, `_step2b_conv` and so on. Poolings do not count
    as steps.

    Args:
        x: The input of every branch.
        table: The branches.
        bn: Momentum and epsilon of the batch norms; None for biases instead of batch
            norm.
        join: Suffix of the name of the concatenation.
        name: Prefix of all layer names.
    """
    found = []
    for number, branch in enumerate(table, start=1):
        found += _branch(x, branch, bn=bn, name=f"{name}_branch{number}")
    return layers.Concatenate(channel_axis(), name=f"{name}{join}")(found)


def _branch(
    x: Any, branch: Branch, *, bn: Mapping[str, float] | None, name: str
) -> list[Any]:
    number = 0
    for step in branch:
        if isinstance(step, Pool):
            x = pool3(x, step, name=f"{name}_pool")
            continue
        number += 1
        if isinstance(step, Fork):
            return [
                unit(x, way, bn=bn, name=f"{name}_step{number}{letter}")
                for way, letter in zip(step.ways, "abc", strict=False)
            ]
        x = unit(x, step, bn=bn, name=f"{name}_step{number}")
    return [x]


def unit(x: Any, step: Conv, *, bn: Mapping[str, float] | None, name: str) -> Any:
    """Apply convolution, batch norm and ReLU; without `bn`, a bias instead of it."""
    padding = step.padding or ("same" if step.stride == 1 else "valid")
    x = layers.Conv2D(
        step.filters,
        step.kernel,
        strides=step.stride,
        padding=padding,
        use_bias=bn is None,
        kernel_initializer="he_uniform",
        name=f"{name}_conv",
    )(x)
    if bn is not None:
        x = batch_norm(x, name=f"{name}_bn", **bn)
    return layers.ReLU(name=f"{name}_relu")(x)


def pool3(x: Any, step: Pool, *, name: str) -> Any:
    """Pool 3x3, with the same default padding as `Conv`."""
    padding = step.padding or ("same" if step.stride == 1 else "valid")
    if step.kind == "max":
        return layers.MaxPooling2D(3, step.stride, padding, name=name)(x)
    if step.kind == "border":
        x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
        padding = "valid"
    return layers.AveragePooling2D(3, step.stride, padding, name=name)(x)
