"""Find layers by path, pattern or class, in nested models and blocks."""

import difflib
import fnmatch
import re
from collections.abc import Sequence
from types import UnionType
from typing import TypeAlias

import keras
from keras import layers as kl

from keras_cnnzoo.layers import PartialConv2D
from keras_cnnzoo.structure.walk import children

_Part: TypeAlias = str | type[keras.layers.Layer] | UnionType | keras.layers.Layer
#: Selects layers: a shell-style pattern, a class, a layer itself, or several of these.
Selection: TypeAlias = _Part | Sequence[_Part]
#: All classes of convolutions.
CONVOLUTION = (
    kl.Conv1D
    | kl.Conv2D
    | kl.Conv3D
    | kl.Conv1DTranspose
    | kl.Conv2DTranspose
    | kl.Conv3DTranspose
    | kl.DepthwiseConv1D
    | kl.DepthwiseConv2D
    | kl.SeparableConv1D
    | kl.SeparableConv2D
    | PartialConv2D
)


def layer_paths(model: keras.layers.Layer) -> dict[str, keras.layers.Layer]:
    """Return every layer inside a model by its path, in the model's order.

    A path joins the names of the nested models and layers, without the model itself, as
    in `"backbone/stage3_block1/conv2"`. A layer inside several models or layers has the
    path that is found first.

    Example:
        >>> inner = keras.Sequential([keras.layers.ReLU(name="act")], name="inner")
        >>> list(layer_paths(keras.Sequential([inner])))
        ['inner', 'inner/act']
    """
    paths: dict[str, keras.layers.Layer] = {}
    _collect(model, "", paths, {id(model)})
    return paths


def find(model: keras.layers.Layer, layers: Selection) -> dict[str, keras.layers.Layer]:
    """Return the selected layers by path, in the model's order.

    Args:
        model: A model or layer.
        layers: A shell-style pattern, which is compared with a layer's own name, or
            with its whole path if the pattern has a "/"; a layer class, which includes
            its subclasses, or a union of classes; a layer of the model; or a sequence
            of these. A name that contains one of `*?[` is found by exactly that name;
            within a pattern, write `[*]`, `[?]` and `[[]` for these characters.

    Raises:
        ValueError: A part of the selection matches nothing. The message suggests a
            pattern that does, or similar names.

    Example:
        >>> model = keras.Sequential([keras.layers.ReLU(name="act")])
        >>> find(model, "a*"), find(model, keras.layers.ReLU)
        ({'act': <ReLU name=act, built=True>}, {'act': <ReLU name=act, built=True>})
    """
    paths = layer_paths(model)
    parts: Sequence[_Part] = (layers,)
    if isinstance(layers, Sequence) and not isinstance(layers, str):
        parts = layers
    chosen: set[str] = set()
    for part in parts:
        matched = _matched(paths, part)
        if not matched:
            raise ValueError(_nothing(model, part, paths))
        chosen |= matched
    return {path: layer for path, layer in paths.items() if path in chosen}


def _matched(paths: dict[str, keras.layers.Layer], part: _Part) -> set[str]:
    if isinstance(part, type | UnionType):
        return {path for path, layer in paths.items() if isinstance(layer, part)}
    if not isinstance(part, str):
        return {path for path, layer in paths.items() if layer is part}
    names = {path: path if "/" in part else layer.name for path, layer in paths.items()}
    # A name may itself contain the characters of a pattern.
    exact = {path for path, name in names.items() if part in (name, path)}
    if exact:
        return exact
    return {path for path, name in names.items() if fnmatch.fnmatchcase(name, part)}


def _nothing(
    model: keras.layers.Layer, part: _Part, paths: dict[str, keras.layers.Layer]
) -> str:
    if isinstance(part, str):
        if better := _that_matches(model, part, paths):
            return f"No layer of {model.name!r} matches {part!r}. {better}"
        names = [*paths, *(layer.name for layer in paths.values())]
        near = difflib.get_close_matches(part.strip("*"), names, cutoff=0.4)
        hint = f"Near: {', '.join(dict.fromkeys(near))}" if near else "Nothing is near"
        return f"No layer of {model.name!r} matches {part!r}. {hint}."
    kinds = sorted({type(layer).__name__ for layer in paths.values()})
    return (
        f"No layer of {model.name!r} is {part!r}. It has layers of these kinds: "
        f"{', '.join(kinds)}."
    )


def _that_matches(
    model: keras.layers.Layer, part: str, paths: dict[str, keras.layers.Layer]
) -> str | None:
    """Suggest a similar pattern that matches; None if there is none."""
    for pattern in _alike(model, part):
        if pattern and (matched := _matched(paths, pattern)):
            first = next(path for path in paths if path in matched)
            count = "1 layer" if len(matched) == 1 else f"{len(matched)} layers"
            rule = ""
            if ("/" in part) != ("/" in pattern) or "/" in first:
                rule = (
                    'A pattern without a "/" is compared with the own names of layers, '
                    'one with a "/" with whole paths. '
                )
            return f"{rule}{pattern!r} matches {count}, such as {first!r}."
    return None


def _alike(model: keras.layers.Layer, part: str) -> list[str]:
    """List patterns that may have been meant, most likely first."""
    plain = part.strip("/").removeprefix(f"{model.name}/")
    # Accept the name of a call, and dots as PyTorch writes them.
    plain = re.sub(r":\d+$", "", plain).replace(".", "/")
    patterns = [plain]
    for star in re.finditer(r"\*", plain):
        before, after = plain[: star.start()], plain[star.end() :]
        patterns += [f"{before}*/{after}", f"{before}*/*{after}"]
    if "/" in plain:
        patterns += [f"*/{plain}", f"*{plain}", f"{plain}/*"]
    return patterns


def _collect(
    root: keras.layers.Layer,
    above: str,
    paths: dict[str, keras.layers.Layer],
    seen: set[int],
) -> None:
    for layer in children(root):
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        path = unique = f"{above}{layer.name}"
        count = 1
        while unique in paths:
            count += 1
            unique = f"{path}#{count}"
        paths[unique] = layer
        _collect(layer, f"{unique}/", paths, seen)
