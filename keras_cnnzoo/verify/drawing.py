"""Draw random weights and images that are the same on every machine.

Only raw bits of PCG64 are used: NumPy guarantees that these never change, while the
values of `Generator.normal` may change between versions.
"""

import math
import re
import zlib
from collections.abc import Sequence

import numpy as np


def _bits(count: int, seed: int, name: str) -> np.ndarray:
    """Return `count` random 32-bit numbers, determined by a seed and a name."""
    raw = np.random.PCG64([seed, zlib.crc32(name.encode())]).random_raw(-(-count // 2))
    return raw.astype("<u8", copy=False).view("<u4")[:count]


def _uniform(
    shape: Sequence[int], low: float, high: float, seed: int, name: str
) -> np.ndarray:
    bits = _bits(math.prod(shape), seed, name)
    # A float32 represents 24 bits exactly.
    values = (bits >> 8).astype("float32")
    values *= np.float32((high - low) * 2**-24)
    values += np.float32(low)
    return values.reshape(shape)


#: Parameters that scale, by the last part of their names. They are drawn around 1, away
#: from 0.
_SCALES = ("running_var", "moving_variance", "gamma", "gain", "skipinit_gain")

#: Layers that compute gates. Their weights are drawn small, since the large values of a
#: random network's last feature maps would saturate the gates' sigmoids. A gate would
#: then switch between 0 and 1 by rounding differences between libraries.
_GATES = re.compile(
    r"(^|[./])(se|se_module|gate|attn|(?<!mlp.)fc[12])[./](.*[./])?weight$"
    r"|_se_(reduce|expand)[./]kernel$"
)
_GATE_SHARE = 0.03
#: Biases of highway networks' gates, which are drawn below zero. With half-open gates
#: the signal would fade, and the outputs for all images would be nearly the same.
_GATE_BIAS = re.compile(r"(^|[./])gate[./]bias$")
#: The last batch normalisation of a bottleneck block, except for the first block of a
#: stage, which may have no shortcut. Its scale must be small, or the feature maps would
#: grow out of bounds over a hundred blocks. For basic blocks, this applies from the
#: eleventh of a stage on.
_LAST_NORM = re.compile(
    r"(^|[./])([1-9]\d*[./](bn3|conv3[./]bn)|layer\d[./]\d{2,}[./]bn2)[./]weight$"
    r"|block\d+[b-z]_project_bn[./]gamma$"
)
#: The same for timm's fused blocks, whose second batch normalisation is the last.
_FUSED = re.compile(r"^(.*[./][1-9]\d*[./])bn2[./]weight$")
_LAST_SHARE = 0.25


def _ends_block(name: str, shapes: dict[str, tuple[int, ...]]) -> bool:
    fused = _FUSED.match(name)
    if fused and f"{fused[1]}conv_pwl.weight" in shapes:
        return f"{fused[1]}bn3.weight" not in shapes
    return bool(_LAST_NORM.search(name))


def _fan_in(shape: tuple[int, ...], leaf: str) -> int:
    """Return the number of inputs that one output value sums over."""
    if leaf == "weight":  # PyTorch: (out, in, height, width)
        return math.prod(shape[1:])
    if len(shape) == 4 and shape[-1] == 1:  # Keras, depthwise
        return math.prod(shape[:2])
    return math.prod(shape[:-1])


def reference_weights(
    shapes: dict[str, tuple[int, ...]], seed: int = 0
) -> dict[str, np.ndarray]:
    """Draw values for every parameter of a PyTorch or Keras model, by name and shape.

    Kernels have He's standard deviation, so that activations keep their scale in deep
    networks. The statistics of batch normalisation differ from 0 and 1, so that
    mistakes in them show.
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
        # Among the layers with these names, only those of gates are 1x1 convolutions.
        if _GATES.search(name) and (1, 1) in (shape[2:], shape[:2]):
            std *= _GATE_SHARE
        limit = 3**0.5 * std
        values = _uniform(shape, -limit, limit, seed, name)
        return values - np.float32(2) if _GATE_BIAS.search(name) else values

    return {name: draw(name, tuple(shape)) for name, shape in shapes.items()}


def reference_images(
    size: int, count: int = 2, seed: int = 0, channels: int = 3
) -> np.ndarray:
    """Draw a batch of noise images, uint8, channels last."""
    shape = (count, size, size, channels)
    noise = _uniform(shape, 0, 256, seed, f"images of {size}").astype("uint8")
    # Each image gets its own tint, since outputs for plain noise would hardly differ.
    tint = _uniform((count, 1, 1, channels), 0.3, 1, seed, f"tints of {size}")
    images: np.ndarray = (noise * tint).astype("uint8")
    return images
