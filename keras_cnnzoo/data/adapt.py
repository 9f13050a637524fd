"""Bring images to one size and one number of channels."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

FITS = ("resize", "pad", "crop", "squash")
RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
# ITU-R 601 luma in 16-bit fixed point, as Pillow's convert("L") has it.
LUMA = (19595, 38470, 7471)

#: An image that would be scaled to this many times what is kept of it, because it is
#: very long, is cropped first: a strip of 1 x 60,000 pixels would become gigabytes.
MAX_SCALED = 32

Box = tuple[float, float, float, float]


def to_channels(images: np.ndarray, channels: int) -> np.ndarray:
    """Convert `(..., channels)` images to grey (luma), to RGB, or leave them.

    Raises:
        ValueError: Images of that many channels have no such conversion.
    """
    given = images.shape[-1]
    if given == channels:
        return images
    if given == 1 and channels == 3:
        return np.repeat(images, 3, axis=-1)
    if given == 3 and channels == 1:
        if images.dtype == np.uint8:
            luma = images.astype(np.uint32) @ np.asarray(LUMA, np.uint32)
            return ((luma + 0x8000) >> 16).astype(np.uint8)[..., None]
        weights = np.asarray(LUMA, images.dtype) / sum(LUMA)
        return (images @ weights.astype(images.dtype))[..., None]
    raise ValueError(
        f"The images have {given} channels and {channels} were asked for. Grey and "
        f"RGB are converted into each other; leave `channels` out to keep {given}."
    )


def resize(
    image: np.ndarray, size: tuple[int, int], box: Box | None, resample: int
) -> np.ndarray:
    """Resize one `(height, width, channels)` image with Pillow, antialiased.

    Args:
        image: uint8 or floating pixels.
        size: New height and width.
        box: Part to take, as left, top, right, bottom; None takes the whole.
        resample: One of `PIL.Image.Resampling`.
    """
    height, width = size
    if image.dtype == np.uint8 and image.shape[-1] in (1, 3):
        pixels = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        resized = np.asarray(pixels.resize((width, height), resample, box))
        return resized.reshape(height, width, -1)
    planes = [
        Image.fromarray(plane).resize((width, height), resample, box)
        for plane in np.moveaxis(image, -1, 0).astype(np.float32)
    ]
    resized = np.stack([np.asarray(plane) for plane in planes], axis=-1)
    if image.dtype == np.uint8:
        return np.clip(np.rint(resized), 0, 255).astype(np.uint8)
    return resized


@dataclass(frozen=True)
class Adapter:
    """What every image of a data set is brought to.

    Args:
        size: Height and width.
        channels: 1 for grey, 3 for RGB, or what the images have.
        fit: "resize" stretches the whole image to `size`. "pad" centres it on black,
            and shrinks it only where it is larger. "crop" brings the image to
            `size / share`, its proportions kept, and takes the centre; "squash" does
            so without keeping the proportions.
        share: Share of the sides that the central crop keeps.
        interpolation: "nearest", "bilinear" or "bicubic".
    """

    size: tuple[int, int]
    channels: int
    fit: str = "resize"
    share: float = 0.875
    interpolation: str = "bilinear"

    @property
    def shape(self) -> tuple[int, int, int]:
        return (*self.size, self.channels)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Adapt `(n, height, width, channels)` images of one size."""
        images = to_channels(images, self.channels)
        if self._scaled(*images.shape[1:3]) == images.shape[1:3]:
            return self._centred(images)
        if not len(images):
            return np.zeros((0, *self.shape), images.dtype)
        return np.stack([self.one(image) for image in images])

    def one(self, image: np.ndarray, box: Box | None = None) -> np.ndarray:
        """Adapt one image, or the part of it in `box`, which is then stretched."""
        image = to_channels(image, self.channels)
        resample = RESAMPLING[self.interpolation]
        if box is not None:
            return resize(image, self.size, box, resample)
        scaled = self._scaled(*image.shape[:2])
        if math.prod(scaled) > MAX_SCALED * math.prod(self.size):
            return resize(image, self.size, self._central(image, scaled), resample)
        if scaled != image.shape[:2]:
            image = resize(image, scaled, None, resample)
        return self._centred(image[None])[0]

    def _scaled(self, height: int, width: int) -> tuple[int, int]:
        """Return the size an image is brought to before padding or cropping."""
        if self.fit == "resize":
            return self.size
        if self.fit == "pad":
            scale = min(1, self.size[0] / height, self.size[1] / width)
            return max(1, round(height * scale)), max(1, round(width * scale))
        # As torchvision and timm do it, which published accuracies rest on: the side
        # that binds is exact, the other is cut off, not rounded.
        least = int(self.size[0] / self.share), int(self.size[1] / self.share)
        if self.fit == "squash":
            return least
        if least[0] * width >= least[1] * height:
            return least[0], int(least[0] * width / height)
        return int(least[1] * height / width), least[1]

    def _central(self, image: np.ndarray, scaled: tuple[int, int]) -> Box:
        """Return the part of an image that is left when the scaled one is cropped."""
        (top, bottom), (left, right) = (
            (first * has / new, (first + wanted) * has / new)
            for has, new, wanted in zip(image.shape, scaled, self.size, strict=False)
            for first in (round((new - wanted) / 2),)
        )
        return left, top, right, bottom

    def _centred(self, images: np.ndarray) -> np.ndarray:
        """Cut the centre out, or put black around, until the size is right."""
        cuts, borders = [slice(None)], [(0, 0)]
        for has, wanted in zip(images.shape[1:3], self.size, strict=True):
            first = round(max(0, has - wanted) / 2)
            cuts.append(slice(first, first + wanted))
            before = max(0, wanted - has) // 2
            borders.append((before, max(0, wanted - has) - before))
        images = images[tuple(cuts)]
        if any(map(any, borders)):
            images = np.pad(images, [*borders, (0, 0)])
        return images
