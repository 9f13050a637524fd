"""Preprocessing: from the pixels of an image to the input of a network."""

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """Preprocessing from the pixels of an image to the input of a network.

    The network's input is `(pixel - mean) / std`. `mean` and `std` are for pixels of
    0..255, one value per channel, in the order of the network's channels. `crop` is the
    share of the resized image's side that the central crop keeps at test time. With
    `fit` "squash" the image is first stretched to a square; with "resize" it is
    stretched to the network's size and not cropped.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    order: Literal["rgb", "bgr"] = "rgb"
    crop: float = 1.0
    interpolation: Literal["nearest", "bilinear", "bicubic"] = "bilinear"
    fit: Literal["crop", "squash", "resize"] = "crop"

    def affine(self, channels: int) -> tuple[np.ndarray, np.ndarray]:
        """Return `(matrix, offset)` such that the input is `pixel @ matrix + offset`.

        If `channels` differs from the number of published constants, every channel uses
        their average.
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
#: CIFAR-10's mean and standard deviation, as used for Wide ResNet and DenseNet.
CIFAR10 = Preprocessing(mean=(125.3, 123.0, 113.9), std=(63.0, 62.1, 66.7))
