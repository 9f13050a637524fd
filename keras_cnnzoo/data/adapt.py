"""Convert images to one size and one number of channels."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from keras_cnnzoo.data.decode import pixels

FITS = ("resize", "pad", "crop", "squash")
RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
# ITU-R 601 luma in 16-bit fixed point, as in Pillow's convert("L").
LUMA = (19595, 38470, 7471)

#: An image is cropped before it is scaled if scaling would give more than this many
#: times the pixels that are kept: a strip of 1 x 60,000 pixels would become gigabytes.
MAX_SCALED = 32

Box = tuple[float, float, float, float]


def to_channels(images: np.ndarray, channels: int) -> np.ndarray:
    """Convert `(..., channels)` images to grey (luma) or RGB, or return them unchanged.

    Raises:
        ValueError: There is no conversion between these numbers of channels.
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
        image: uint8 or floating-point pixels.
        size: New height and width.
        box: Part to take, as left, top, right, bottom; None takes the whole image.
        resample: One of `PIL.Image.Resampling`.
    """
    height, width = size
    if image.dtype == np.uint8 and image.shape[-1] in (1, 3):
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        return pixels(picture.resize((width, height), resample, box))
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
    """Converts every image of a data set to the same size and number of channels.

    Args:
        size: Height and width.
        channels: 1 for grey, 3 for RGB, or the images' own number.
        fit: "resize" stretches the whole image to `size`. "pad" centres it on black,
            and shrinks it only if it is larger. "crop" scales the image to
            `size / share`, keeping its proportions, and takes the centre; "squash" does
            the same without keeping the proportions.
        share: Fraction of each side that the central crop keeps.
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
        """Convert `(n, height, width, channels)` images of one size."""
        images = to_channels(images, self.channels)
        if self._scaled(*images.shape[1:3]) == images.shape[1:3]:
            return self._centred(images)
        if not len(images):
            return np.zeros((0, *self.shape), images.dtype)
        return np.stack([self.one(image) for image in images])

    def one(self, image: np.ndarray, box: Box | None = None) -> np.ndarray:
        """Convert one image, or stretch the part of it in `box` to `size`."""
        image = to_channels(image, self.channels)
        size, box = self._plan(image.shape[0], image.shape[1], box)
        if box is not None or size != image.shape[:2]:
            image = resize(image, size, box, self.resample)
        return self._centred(image[None])[0]

    def picture(self, image: Image.Image, box: Box | None = None) -> np.ndarray:
        """Do the same with a Pillow image that has our channels: mode "L" or "RGB"."""
        size, box = self._plan(image.height, image.width, box)
        if box is not None or size != (image.height, image.width):
            image = image.resize(size[::-1], self.resample, box)
        # A copy, or what is cut off would stay in memory.
        return np.ascontiguousarray(self._centred(pixels(image)[None])[0])

    @property
    def resample(self) -> Image.Resampling:
        """Pillow's name of the interpolation."""
        return RESAMPLING[self.interpolation]

    def _plan(
        self, height: int, width: int, box: Box | None
    ) -> tuple[tuple[int, int], Box | None]:
        """Return the size to which an image is scaled, and the part that is."""
        if box is not None:
            return self.size, box
        scaled = self._scaled(height, width)
        if math.prod(scaled) > MAX_SCALED * math.prod(self.size):
            return self.size, self._central(height, width, scaled)
        return scaled, None

    def _scaled(self, height: int, width: int) -> tuple[int, int]:
        """Return the size to which an image is scaled before padding or cropping."""
        if self.fit == "resize":
            return self.size
        if self.fit == "pad":
            scale = min(1, self.size[0] / height, self.size[1] / width)
            return max(1, round(height * scale)), max(1, round(width * scale))
        # Published accuracies were measured with the rounding of torchvision and timm:
        # the side that limits the scale is exact, the other is rounded down.
        least = int(self.size[0] / self.share), int(self.size[1] / self.share)
        if self.fit == "squash":
            return least
        if least[0] * width >= least[1] * height:
            return least[0], int(least[0] * width / height)
        return int(least[1] * height / width), least[1]

    def _central(self, height: int, width: int, scaled: tuple[int, int]) -> Box:
        """Return the part of an image that remains after scaling and cropping."""
        (top, bottom), (left, right) = (
            (first * has / new, (first + wanted) * has / new)
            for has, new, wanted in zip((height, width), scaled, self.size, strict=True)
            for first in (round((new - wanted) / 2),)
        )
        return left, top, right, bottom

    def _centred(self, images: np.ndarray) -> np.ndarray:
        """Crop images to their centre, or pad them with black, to reach the size."""
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
