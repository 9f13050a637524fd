"""How the pixels of a photograph become what a network sees."""

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How the pixels of a photograph become what the network sees.

    `mean` and `std` are in units of 0..255, one per channel in the order the
    network takes them: `(pixel - mean) / std`. `crop` is the share of the resized
    image kept by the central crop at test time; with `fit` "squash" the image is
    stretched to a square before that, with "resize" to the network's size and not
    cropped.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    order: Literal["rgb", "bgr"] = "rgb"
    crop: float = 1.0
    interpolation: Literal["nearest", "bilinear", "bicubic"] = "bilinear"
    fit: Literal["crop", "squash", "resize"] = "crop"

    def affine(self, channels: int) -> tuple[np.ndarray, np.ndarray]:
        """Return `(matrix, offset)` with `seen = pixel @ matrix + offset`.

        Where `channels` is not the number the constants were published for, every
        channel gets their average.
        """
        mean, std = np.asarray(self.mean, float), np.asarray(self.std, float)
        order = np.arange(channels)
        if len(mean) == channels:
            order = order[::-1] if self.order == "bgr" else order
        else:
            mean, std = np.full(channels, mean.mean()), np.full(channels, std.mean())
        matrix = np.zeros((channels, channels))
        matrix[order, np.arange(channels)] = 1.0 / std
        return matrix, -mean / std


#: The constants of torchvision and timm, the default of most ImageNet networks.
IMAGENET = Preprocessing(
    mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), crop=0.875
)
#: CIFAR-10's own mean and deviation, as Wide ResNet and DenseNet have them.
CIFAR10 = Preprocessing(mean=(125.3, 123.0, 113.9), std=(63.0, 62.1, 66.7))
