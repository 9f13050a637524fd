"""Keras Applications: every model of the installed Keras, with this zoo's interface.

The list is read from `keras.applications`, so a newer Keras adds its models. All take
pixels of 0..255 here, whatever their own convention. Layers keep the names that Keras
gives them in a fresh session.
"""

import dataclasses
import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
from keras import layers

from keras_cnnzoo.axes import image_shape
from keras_cnnzoo.blocks.heads import on_last_map
from keras_cnnzoo.cards import (
    IMAGENET,
    Family,
    Paper,
    Preprocessing,
    Twin,
    Variant,
    Weights,
)
from keras_cnnzoo.surgery import graph, wrapped

PAGE = "https://keras.io/api/applications/"
KERAS = Paper(title="Keras Applications", authors="Chollet et al.", year=2015, url=PAGE)


class Origin(NamedTuple):
    """Source of an architecture and of its published weights."""

    title: str
    authors: str
    year: int
    arxiv: str
    weights_license: str


#: Source of the architecture of each module of `keras.applications`.
# fmt: off
ORIGINS = {
    "convnext": Origin(
        "A ConvNet for the 2020s",
        "Liu, Mao, Wu, Feichtenhofer, Darrell, Xie", 2022, "2201.03545", "MIT"),
    "densenet": Origin(
        "Densely Connected Convolutional Networks",
        "Huang, Liu, van der Maaten, Weinberger", 2016, "1608.06993", "BSD-3-Clause"),
    "efficientnet": Origin(
        "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
        "Tan, Le", 2019, "1905.11946", "Apache-2.0"),
    "efficientnet_v2": Origin(
        "EfficientNetV2: Smaller Models and Faster Training",
        "Tan, Le", 2021, "2104.00298", "Apache-2.0"),
    "inception_resnet_v2": Origin(
        "Inception-v4, Inception-ResNet and the Impact of Residual Connections "
        "on Learning",
        "Szegedy, Ioffe, Vanhoucke, Alemi", 2016, "1602.07261", "Apache-2.0"),
    "inception_v3": Origin(
        "Rethinking the Inception Architecture for Computer Vision",
        "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna", 2015, "1512.00567", "Apache-2.0"),
    "mobilenet": Origin(
        "MobileNets: Efficient Convolutional Neural Networks for Mobile "
        "Vision Applications",
        "Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto, Adam",
        2017, "1704.04861", "Apache-2.0"),
    "mobilenet_v2": Origin(
        "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
        "Sandler, Howard, Zhu, Zhmoginov, Chen", 2018, "1801.04381", "Apache-2.0"),
    "mobilenet_v3": Origin(
        "Searching for MobileNetV3",
        "Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le, Adam",
        2019, "1905.02244", "Apache-2.0"),
    "nasnet": Origin(
        "Learning Transferable Architectures for Scalable Image Recognition",
        "Zoph, Vasudevan, Shlens, Le", 2017, "1707.07012", "Apache-2.0"),
    "resnet": Origin(
        "Deep Residual Learning for Image Recognition",
        "He, Zhang, Ren, Sun", 2015, "1512.03385", "MIT"),
    "resnet_v2": Origin(
        "Identity Mappings in Deep Residual Networks",
        "He, Zhang, Ren, Sun", 2016, "1603.05027", "BSD-3-Clause"),
    "vgg16": Origin(
        "Very Deep Convolutional Networks for Large-Scale Image Recognition",
        "Simonyan, Zisserman", 2014, "1409.1556", "CC-BY-4.0"),
    "xception": Origin(
        "Xception: Deep Learning with Depthwise Separable Convolutions",
        "Chollet", 2016, "1610.02357", "MIT"),
}
# fmt: on
ORIGINS["vgg19"] = ORIGINS["vgg16"]

#: Image size that a module, or one of its functions, was trained on.
SIDE = 224
# fmt: off
SIDES = {
    "inception_resnet_v2": 299, "inception_v3": 299, "xception": 299,
    "NASNetLarge": 331,
    "EfficientNetB1": 240, "EfficientNetB2": 260, "EfficientNetB3": 300,
    "EfficientNetB4": 380, "EfficientNetB5": 456, "EfficientNetB6": 528,
    "EfficientNetB7": 600,
    "EfficientNetV2B1": 240, "EfficientNetV2B2": 260, "EfficientNetV2B3": 300,
    "EfficientNetV2S": 384, "EfficientNetV2M": 480, "EfficientNetV2L": 480,
}
# fmt: on

#: Mean and scale of the preprocessing layers that some networks begin with. Those
#: without a row use ImageNet's constants per channel. In EfficientNet (V1) these come
#: with the published weights; without weights Keras's layers only divide by 255, but
#: our preprocessing must not depend on whether weights were loaded.
LEADING = {
    "mobilenet_v3": 127.5,
    "EfficientNetV2S": 128.0,
    "EfficientNetV2M": 128.0,
    "EfficientNetV2L": 128.0,
}

#: Modules whose networks choose layers by the sizes of feature maps. If these sizes are
#: unknown, Keras builds a network that fails on every image.
SIZED = {"nasnet"}

#: Arguments that this file passes itself. All others are options for the user.
SHARED = {"include_top", "weights", "input_tensor", "input_shape", "pooling", "classes"}
SHARED |= {"classifier_activation", "include_preprocessing", "name"}


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of one function of `keras.applications` that are not in `SHARED`.

    Attributes:
        function: The function's name in `keras.applications`.
        module: The name of the module that defines it.
    """

    function: ClassVar[str]
    module: ClassVar[str]


def application(config: Config, **arguments: Any) -> keras.Model:
    """Call the function of `keras.applications`, without weights unless asked."""
    function = getattr(keras.applications, config.function)
    with warnings.catch_warnings():
        # They warn unless there are 1 or 3 channels.
        warnings.filterwarnings("ignore", "This model usually expects")
        return function(**{"weights": None} | dataclasses.asdict(config) | arguments)


def body(x: Any, config: Config) -> dict[str, Any]:
    """Rebuild the body; "stage{n}" is the last feature map of stride 2**n."""
    if config.module in SIZED and None in x.shape[1:]:
        raise ValueError(
            f"{config.function} is built for images of known size. Received images of "
            f"shape {tuple(x.shape[1:])}."
        )
    network = application(config, include_top=False, input_shape=tuple(x.shape[1:]))
    calls = graph.calls(network)
    names = wrapped.plain_names(calls)
    calls = calls[len(wrapped.preprocessing(calls)) :]
    while isinstance(calls[-1].operation, layers.LayerNormalization):
        calls.pop()  # ConvNeXt ends in a norm that belongs to its top.
    maps = wrapped.stage_maps(calls)
    grown = graph.regrow(calls, calls[0].inputs[0], x, names)
    return {f"stage{level}": grown[id(maps[level])] for level in maps}


@on_last_map
def head(x: Any, config: Config, *, classes: int, activation: Any) -> Any:
    """Rebuild the network's own top, with the classifier in full precision."""
    network = application(
        config,
        # Any size will do, since all weights after the flattening are created anew.
        input_shape=image_shape((128, 128, 3)),
        include_top=True,
        classes=classes,
        classifier_activation=activation,
    )
    calls = graph.calls(network)
    names = wrapped.plain_names(calls)
    top = wrapped.head(calls)
    if isinstance(top[0].operation, layers.Flatten) and None in x.shape[1:]:
        raise ValueError(
            f"The top of {config.function} is fully connected, so the size of the "
            f"images must be known; its last map has shape {tuple(x.shape[1:])}. Pass "
            "`input_shape`, or `classes=0` for the features."
        )
    weighted = [i for i, call in enumerate(top) if call.operation.weights]
    full = {"dtype": keras.config.dtype_policy().variable_dtype}
    changes = {call.operation.name: full for call in top[weighted[-1] :]}
    grown = graph.regrow(top, top[0].inputs[0], x, names, changes)
    return grown[id(top[-1].output)]


def convention(see: Callable[[np.ndarray], np.ndarray]) -> Preprocessing:
    """Find the constants of a preprocessing function from its output for colours."""
    colours = np.zeros((4, *image_shape((1, 1, 3))))
    colours.reshape(4, 3)[1:] = 255 * np.eye(3)
    # A copy, since `preprocess_input` writes into the array it is given.
    black, *seen = np.reshape(see(colours.copy()), (4, 3)).astype(float)
    matrix = (np.stack(seen) - black) / 255
    std = 1 / matrix.sum(0)
    return dataclasses.replace(
        IMAGENET,
        mean=tuple(np.round(-black * std, 6).tolist()),
        std=tuple(np.round(std, 6).tolist()),
        order="bgr" if matrix[2, 0] else "rgb",
    )


def _preprocessing(module: str, name: str) -> Preprocessing:
    """Return the preprocessing that Keras asks of users or builds into the network."""
    preprocess_input = getattr(
        getattr(keras.applications, module, None), "preprocess_input", None
    )
    if preprocess_input is not None:
        asked = convention(preprocess_input)
        if asked.std != (1.0, 1.0, 1.0) or asked.order == "bgr":
            return asked
    value = LEADING.get(name, LEADING.get(module))
    if value is None:
        return IMAGENET
    return dataclasses.replace(IMAGENET, mean=(value,) * 3, std=(value,) * 3)


def _functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, function in inspect.getmembers(keras.applications, inspect.isfunction):
        if {"include_top", "weights"} <= set(inspect.signature(function).parameters):
            yield name, function


def _variant(name: str, function: Callable[..., Any]) -> Variant:
    parameters = inspect.signature(function).parameters.values()
    options = [
        (p.name, type(p.default), p.default) for p in parameters if p.name not in SHARED
    ]
    module = function.__module__.rpartition(".")[2]
    config = dataclasses.make_dataclass(
        f"{name}Config",
        options,
        bases=(Config,),
        frozen=True,
        namespace={"function": name, "module": module},
    )
    side = SIDES.get(name, SIDES.get(module, SIDE))
    paper, license_ = KERAS, "see the page"
    if origin := ORIGINS.get(module):
        title, authors, year, number, license_ = origin
        url = f"https://arxiv.org/abs/{number}"
        paper = Paper(title=title, authors=authors, year=year, url=url)
    return Variant(
        config=config(),
        input_shape=(side, side, 3),
        preprocessing=_preprocessing(module, name),
        paper=paper,
        weights=(
            Weights(
                tag="imagenet",
                source="keras.applications",
                url=PAGE,
                license=license_,
                by_library=True,
            ),
        ),
        deviations=tuple(_deviations(function)),
    )


def _deviations(function: Callable[..., Any]) -> Iterator[str]:
    if "include_preprocessing" in inspect.signature(function).parameters:
        yield "Keras builds the preprocessing into it; here it is the first layer."
    if function.__module__.endswith(".convnext"):
        yield (
            "Its features are those before the last layer normalisation, which belongs "
            "to the top."
        )


FAMILY = Family(
    name="keras_applications",
    body=body,
    head=head,
    paper=KERAS,
    input_shape=(SIDE, SIDE, 3),
    source="keras.applications",
    variants={f"keras_{name.lower()}": _variant(name, f) for name, f in _functions()},
    twin=Twin(
        build=application,
        feed=lambda config, images: getattr(
            keras.applications, config.module
        ).preprocess_input(images),
        convention=convention,
        reference=lambda config: f"keras/{config.function}",
        version=keras.__version__,
    ),
)
