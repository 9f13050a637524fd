"""Errors that translate the argument names of other packages to the names here."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
#: Argument names of Keras's examples, torch-cam, pytorch-grad-cam, captum and
#: tf-keras-vis, with the matching names here.
OURS = {
    "categories": "target",
    "category": "target",
    "class_id": "target",
    "class_idx": "target",
    "class_index": "target",
    "image": "images",
    "img_array": "images",
    "input_tensor": "images",
    "inputs": "images",
    "label": "target",
    "last_conv_layer_name": "layer",
    "layer_name": "layer",
    "penultimate_layer": "layer",
    "pred_index": "target",
    "target_category": "target",
    "target_layer": "layer",
    "target_layers": "layer",
    "targets": "target",
}


def names_of_ours(function: Callable[P, R]) -> Callable[P, R]:
    """Have a function's errors for foreign argument names state the name to use."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name in OURS:
                raise TypeError(
                    f"{function.__name__} has no argument {name!r}: here it is "
                    f"{OURS[name]!r}."
                )
        return function(*args, **kwargs)

    return call
