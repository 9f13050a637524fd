"""Weights and images that come out the same on every machine, from names and shapes.

Only raw bits of PCG64 are used: NumPy keeps those the same for ever, while the values
of `Generator.normal` may change between its versions.
"""

import math
import re
import zlib
from collections.abc import Sequence

import numpy as np


def _bits(count: int, seed: int, name: str) -> np.ndarray:
    """Return `count` random 32-bit numbers that belong to a seed and a name."""
    raw = np.random.PCG64([seed, zlib.crc32(name.encode())]).random_raw(-(-count // 2))
    return raw.astype("<u8", copy=False).view("<u4")[:count]


def _uniform(
    shape: Sequence[int], low: float, high: float, seed: int, name: str
) -> np.ndarray:
    bits = _bits(math.prod(shape), seed, name)
    # 24 bits are what a float32 holds exactly.
    values = (bits >> 8).astype("float32")
    values *= np.float32((high - low) * 2**-24)
    values += np.float32(low)
    return values.reshape(shape)


#: Parameters that scale, by the last part of their names: near one, never zero.
_SCALES = ("running_var", "moving_variance", "gamma", "gain", "skipinit_gain")

#: Layers that compute gates. Their sigmoids would be switches, which no two libraries
#: throw alike, if they got what a random network's last maps hold.
_GATES = re.compile(
    r"(^|[./])(se|se_module|gate|attn|(?<!mlp.)fc[12])[./](.*[./])?weight$"
    r"|_se_(reduce|expand)[./]kernel$"
)
_GATE_SHARE = 0.03
#: Biases of highway networks' gates, which start below zero: gates that stand half open
#: let the signal fade, and the network answers alike to all images.
_GATE_BIAS = re.compile(r"(^|[./])gate[./]bias$")
#: The last batch norm of a bottleneck, but for a stage's first, which may stand alone:
#: what it adds must be little, or the maps of a hundred blocks grow beyond all bounds.
#: Basic blocks count from a stage's eleventh on.
_LAST_NORM = re.compile(
    r"(^|[./])([1-9]\d*[./](bn3|conv3[./]bn)|layer\d[./]\d{2,}[./]bn2)[./]weight$"
    r"|block\d+[b-z]_project_bn[./]gamma$"
)
#: The same of timm's fused blocks, which end with their second.
_FUSED = re.compile(r"^(.*[./][1-9]\d*[./])bn2[./]weight$")
_LAST_SHARE = 0.25


def _ends_block(name: str, shapes: dict[str, tuple[int, ...]]) -> bool:
    fused = _FUSED.match(name)
    if fused and f"{fused[1]}conv_pwl.weight" in shapes:
        return f"{fused[1]}bn3.weight" not in shapes
    return bool(_LAST_NORM.search(name))


def _fan_in(shape: tuple[int, ...], leaf: str) -> int:
    """Count what one output is summed over."""
    if leaf == "weight":  # PyTorch: (out, in, height, width)
        return math.prod(shape[1:])
    if len(shape) == 4 and shape[-1] == 1:  # Keras, depthwise
        return math.prod(shape[:2])
    return math.prod(shape[:-1])


def reference_weights(
    shapes: dict[str, tuple[int, ...]], seed: int = 0
) -> dict[str, np.ndarray]:
    """Draw a value for every parameter of a PyTorch or Keras model, by name alone.

    Kernels have He's standard deviation, so activations keep their size however deep
    the network is; the statistics of batch norm are far from 0 and 1, so that a
    mistake in them shows.
    """

    def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
        leaf = re.split("[./]", name)[-1]
        if leaf == "num_batches_tracked":
            return np.zeros(shape, "int64")
        vector = math.prod(shape) == max(shape, default=1)
        if leaf in _SCALES or (vector and leaf == "weight"):
            share = _LAST_SHARE if _ends_block(name, shapes) else 1.0
            return _uniform(shape, 0.5 * share, 1.5 * share, seed, name)
        std = 0.1 if vector else (2 / _fan_in(shape, leaf)) ** 0.5
        # Only a gate's dense layers are 1x1 convolutions of these names.
        if _GATES.search(name) and (1, 1) in (shape[2:], shape[:2]):
            std *= _GATE_SHARE
        limit = 3**0.5 * std
        values = _uniform(shape, -limit, limit, seed, name)
        return values - np.float32(2) if _GATE_BIAS.search(name) else values

    return {name: draw(name, tuple(shape)) for name, shape in shapes.items()}


def reference_images(
    size: int, count: int = 2, seed: int = 0, channels: int = 3
) -> np.ndarray:
    """Draw a batch of photographs of noise, uint8, channels last."""
    shape = (count, size, size, channels)
    noise = _uniform(shape, 0, 256, seed, f"images of {size}").astype("uint8")
    # Each image has a tint of its own, or the answers would hardly differ.
    tint = _uniform((count, 1, 1, channels), 0.3, 1, seed, f"tints of {size}")
    images: np.ndarray = (noise * tint).astype("uint8")
    return images
