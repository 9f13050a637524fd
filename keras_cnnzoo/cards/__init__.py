"""Model cards as data: the types of the entries in every family's file.

There are three kinds of numbers, which are never mixed:
    fact    a property of the architecture (`params`, `macs`); tests recompute it
    claim   what somebody published (`Claim`); quoted with its source, not ours
    result  what this project measured (`Result`); written by a command, never by hand
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import keras
import numpy as np

from keras_cnnzoo.cards.preprocessing import CIFAR10 as CIFAR10
from keras_cnnzoo.cards.preprocessing import IMAGENET as IMAGENET
from keras_cnnzoo.cards.preprocessing import Preprocessing as Preprocessing

Shape = tuple[int | None, int | None, int]


@dataclass(frozen=True, kw_only=True)
class Paper:
    """The publication of an architecture."""

    title: str
    authors: str
    year: int
    url: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A number published by somebody else, with its source."""

    metric: str
    value: float
    source: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """A number measured by this project, with the command that printed it."""

    metric: str
    value: float
    command: str
    date: str
    seed: int | None = None


#: Number of hexadecimal digits of a complete SHA-256.
_HEXADECIMAL = 64


@dataclass(frozen=True, kw_only=True)
class Weights:
    """One published set of weights: its source, digest, preprocessing and claims.

    Attributes:
        tag: Its name in `build(..., weights=)`, such as "timm/resnet18.a1_in1k".
        source: The publisher.
        url: Address of the file, or of its page if it cannot be downloaded directly.
        license: License of the weights.
        sha256: Digest of the file that is downloaded (from the hub if `hub` is given),
            or as many of its first digits as the publisher states. It is always
            checked.
        hub: Repository on the Hugging Face hub with the file `model.safetensors`.
        revision: Commit of that repository; None takes its main branch.
        copy_sha256: Digest of the file at `url`, or its first digits, if the hub's file
            is downloaded instead. It identifies a user's own copy of the file at `url`.
        by_library: Whether the family's `twin` downloads it, by this tag.
        preprocessing: Preprocessing of its training; None for that of the card.
        options: Options of the architecture in its training that differ from the
            model's defaults.
        classes: Number of its classes; None for the family's default.
        claims: The publisher's claims, such as its accuracy.
    """

    tag: str
    source: str
    url: str
    license: str
    sha256: str | None = None
    hub: str | None = None
    revision: str | None = None
    copy_sha256: str | None = None
    by_library: bool = False
    preprocessing: Preprocessing | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    classes: int | None = None
    claims: tuple[Claim, ...] = ()

    @property
    def checked(self) -> str:
        """How the downloaded file is verified."""
        if self.by_library:
            return "fetched and checked by the library itself"
        found = []
        if self.hub is not None:
            pin = self.revision and f"pinned to revision {self.revision[:12]}"
            found.append(pin or "not pinned to a revision")
        if self.sha256 is None:
            found.append("no digest is stated")
        elif len(self.sha256) < _HEXADECIMAL:
            found.append(f"only {4 * len(self.sha256)} bits of its SHA-256 are stated")
        else:
            found.append("its SHA-256 is stated")
        return ", ".join(found)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One model of a family.

    `params` is the number of trainable parameters, and `macs` the number of
    multiply-accumulates for one image, both for the default input shape and classes. If
    they are None, they are measured on request. If `input_shape`, `preprocessing` or
    `paper` is None, the family's applies.

    `reference` names the implementation with which ours must agree, as "library/name",
    such as "timm/resnet18d", or is "paper" if there is only a paper. `twins` are names
    of the same network in other libraries, whose weights fit as well.
    """

    config: Any
    reference: str = "paper"
    twins: tuple[str, ...] = ()
    params: int | None = None
    macs: int | None = None
    input_shape: Shape | None = None
    preprocessing: Preprocessing | None = None
    paper: Paper | None = None
    claims: tuple[Claim, ...] = ()
    results: tuple[Result, ...] = ()
    weights: tuple[Weights, ...] = ()
    deviations: tuple[str, ...] = ()


Features = dict[str, keras.KerasTensor]


class Rename(NamedTuple):
    """One step from our name of a variable to another library's, for `re.sub`.

    `rank` is the number of dimensions of their array, if it differs from ours: a dense
    layer here may be a 1x1 convolution there. It does not apply to biases.
    """

    pattern: str
    replacement: str | Callable[[re.Match[str]], str]
    rank: int | None = None


@dataclass(frozen=True)
class NameMap:
    """How another library names and stores the variables of a family.

    Our names are first written with dots and the layout's names of variables: in
    "torch" layout, a convolution's kernel is `stage1_block1.conv1.weight`. Then all
    renames are applied in order. If the other names depend on the position of a layer,
    `renames` is a function that takes our names, in the model's order, and returns the
    steps.

    `layout` is the order of axes in their arrays: "torch" (out, in, height, width),
    "keras" as here, or "tflite" (out, height, width, in). `folded` means that their
    batch norms are folded into convolutions with bias.
    """

    renames: Sequence[Rename] | Callable[[Sequence[str]], Sequence[Rename]]
    layout: Literal["torch", "keras", "tflite"] = "torch"
    folded: bool = False


#: Called as `head(maps, config, classes=, activation=)` with all feature maps by name.
Head = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Task:
    """The task of a network. A new task is a new instance, without changes to families.

    Attributes:
        name: Its name in `list_models(task=...)`.
        outputs: The meaning of the model's outputs.
        head: The head on the feature maps, with the arguments of a family's `head`;
            None for the family's own head.
    """

    name: str
    outputs: str
    head: Head | None = None


CLASSIFICATION = Task(
    name="classification",
    outputs="One probability per class, or logits where there is no activation.",
)
CONTROL = Task(name="control", outputs="The value of each action.")


@dataclass(frozen=True, kw_only=True)
class Twin:
    """Another library's networks, from which a family builds its models.

    Weights are copied from the library's network, layer by layer. A model is verified
    by comparison with that network. The documentation names the library as the source.

    Attributes:
        build: `build(config, weights=, include_top=, input_shape=, classes=,
            classifier_activation=)` returns the library's network, with `weights`
            None or a tag of the card.
        feed: `feed(config, images)` applies the preprocessing that the library asks of
            its users to images of 0..255, besides that inside the network.
        convention: `convention(see)` returns the constants of the preprocessing
            function `see`.
        reference: `reference(config)` names the network, as "library/name".
        version: The library's version.
    """

    build: Callable[..., keras.Model]
    feed: Callable[[Any, np.ndarray], Any]
    convention: Callable[[Callable[[np.ndarray], np.ndarray]], Preprocessing]
    reference: Callable[[Any], str]
    version: str


@dataclass(frozen=True, kw_only=True)
class Family:
    """One architecture: how to build it, its paper, and its models.

    `body(x, config)` turns normalised images into named feature maps, one per stage, in
    order. `head(maps, config, classes=, activation=)` turns these into the output;
    classifiers use the last one, see `blocks.heads.on_last_map`. The registry adds what
    all models share: the input, the preprocessing and `features`.

    If `config.auxiliary` is true, `auxiliary(maps, config, classes=, activation=)`
    returns auxiliary heads on inner feature maps by name.

    `name_maps` translate our names of variables into those of other libraries, one map
    per naming scheme. `twin` is given if another library builds these networks and
    publishes their weights. `sketch` holds options of `build` that keep only one of
    each kind of block, for quick experiments and tests. `source` and `license` say who
    defines the family, and how it may be used; None means the package that defines it,
    and an unknown license.
    """

    name: str
    body: Callable[[keras.KerasTensor, Any], Features]
    head: Head
    paper: Paper
    input_shape: Shape
    variants: Mapping[str, Variant]
    classes: int = 1000
    preprocessing: Preprocessing = IMAGENET
    task: Task = CLASSIFICATION
    source: str | None = None
    license: str | None = None
    auxiliary: Callable[..., Features] | None = None
    name_maps: Mapping[str, NameMap] = field(default_factory=dict)
    twin: Twin | None = None
    sketch: Mapping[str, Any] = field(default_factory=dict)
    deviations: tuple[str, ...] = ()
