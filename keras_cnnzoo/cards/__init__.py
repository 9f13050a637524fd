"""Model cards as data: the types that every family file fills in.

Three kinds of number, never mixed:
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
    """Where an architecture was published."""

    title: str
    authors: str
    year: int
    url: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A number published by somebody else, with the place to check it."""

    metric: str
    value: float
    source: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """A number this project measured, with the command that printed it."""

    metric: str
    value: float
    command: str
    date: str
    seed: int | None = None


#: Hexadecimal digits of a whole SHA-256.
_HEXADECIMAL = 64


@dataclass(frozen=True, kw_only=True)
class Weights:
    """One published set of weights: where it is, what it must be, how it is fed.

    Attributes:
        tag: What `build(..., weights=)` calls it, such as "timm/resnet18.a1_in1k".
        source: Who published it.
        url: The file, or where there is none to fetch, its page.
        license: Of the weights.
        sha256: Digest of the file that is fetched, the hub's where `hub` is given, or
            as much of its beginning as the publisher states. It is always checked.
        hub: Repository on the Hugging Face hub that holds it as `model.safetensors`.
        revision: Commit of that repository; None takes what its main branch holds.
        copy_sha256: Digest of the file at `url`, or its beginning, where the hub's is
            fetched instead: your copy of that file is known by it.
        by_library: Whether the family's `twin` fetches it, by this tag.
        preprocessing: How its images were normalised; None as the card says.
        options: Options of the architecture that it was trained with, where they are
            not the model's own.
        classes: Number of its classes; None for the family's own.
        claims: What its publisher states it reaches.
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
        """What makes sure that the file which is fetched is the one that was meant."""
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
    """One row of a family's table.

    `params` counts trainable numbers and `macs` the multiply-accumulates of one
    image, both at the family's default input and classes. None has them measured
    when somebody asks. `input_shape`, `preprocessing` and `paper` are the family's
    where they are None.

    `reference` names the implementation that ours must equal, as "library/name":
    "timm/resnet18d"; or "paper", where only the text describes the network. `twins`
    are other libraries' names for the same network, whose weights fit as well.
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
    """One step from our name of a variable to somebody else's, as `re.sub` takes it.

    `rank` is the number of dimensions their array has, where it is not that of the
    same layer of ours: a dense layer here may be a 1x1 convolution there. It does not
    count for biases.
    """

    pattern: str
    replacement: str | Callable[[re.Match[str]], str]
    rank: int | None = None


@dataclass(frozen=True)
class NameMap:
    """How somebody else names and stores the variables of a family.

    Our names come with dots and their own leaves: a convolution's kernel as
    `stage1_block1.conv1.weight` in "torch" layout. The renames are applied to that one
    after the other. Where theirs count what ours name, `renames` is a function that
    gets our names, in the model's order, and returns the steps.

    `layout` is how they store arrays: "torch" (out, in, height, width), "keras" as we
    do, "tflite" (out, height, width, in). `folded` says that they have convolutions
    with bias where we have batch norm.
    """

    renames: Sequence[Rename] | Callable[[Sequence[str]], Sequence[Rename]]
    layout: Literal["torch", "keras", "tflite"] = "torch"
    folded: bool = False


#: Called as `head(maps, config, classes=, activation=)` with all feature maps by name.
Head = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a network is for. A new task is a value of this; no family knows of it.

    Attributes:
        name: What `list_models(task=...)` calls it.
        outputs: What the numbers that a model puts out mean.
        head: What stands on the feature maps, called as a family's `head` is; None for
            the family's own.
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
    """Another library's own networks, from which a family takes its own.

    Weights are read off the library's network, layer by layer; a model is verified by
    comparing it with that network; a page says that the family is the library's.

    Attributes:
        build: `build(config, weights=, include_top=, input_shape=, classes=,
            classifier_activation=)` returns the library's network, with `weights`
            None or a tag of the card.
        feed: `feed(config, images)` is what the library asks its users to do to
            images of 0..255, beside what the network does by itself.
        convention: `convention(see)` returns the constants of a function from pixels
            to pixels.
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
    """One architecture: how to build it, what to cite, and its sizes.

    `body(x, config)` turns normalised images into named maps, one per stage, in
    order. `head(maps, config, classes=, activation=)` turns these into the output;
    classifiers look at the last, see `blocks.heads.on_last_map`. What every model
    shares, the input, the normalisation and `features`, is the registry's.

    A configuration with a true `auxiliary` also gets the heads on inner maps that
    `auxiliary(maps, config, classes=, activation=)` returns by name.

    `name_maps` translate our names of variables into those of others, one map for
    each way the world has named this network. `twin` is given where another library
    builds these networks and publishes their weights. `sketch` holds options of
    `build` that leave one of each kind of block, so that experiments and tests are
    quick. `source` and `license` say who defines the family, and how it may be used;
    None is the package that brings it, and a license that is not known.
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
