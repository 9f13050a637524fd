import io

import numpy as np
import pytest
from PIL import Image

from keras_cnnzoo.data import decode as module
from keras_cnnzoo.data.decode import decode


@pytest.fixture
def colours(rng):
    """Smooth colours, which lossy formats keep."""
    small = Image.fromarray(rng.integers(0, 256, (4, 6, 3), dtype="uint8"))
    return small.resize((48, 32), Image.Resampling.BICUBIC)


def _encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "PPM", "TGA"])
def test_lossless_formats_are_exact(colours, kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    got = decode(_encoded(colours, kind, **options))
    np.testing.assert_array_equal(got, np.asarray(colours))


def test_grey_is_repeated_or_kept(colours):
    grey = colours.convert("L")
    encoded = _encoded(grey, "PNG")
    pixels = np.asarray(grey)[..., None]
    np.testing.assert_array_equal(decode(encoded, channels=1), pixels)
    np.testing.assert_array_equal(decode(encoded), np.repeat(pixels, 3, -1))
    np.testing.assert_array_equal(decode(_encoded(colours, "PNG"), channels=1), pixels)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PNG trns"])
def test_transparency_is_composited_on_white(colours, mode):
    alpha = np.zeros((32, 48), "uint8")
    alpha[:, 16:32] = 128
    alpha[:, 32:] = 255
    if mode in ("RGBA", "LA"):
        image = colours.convert(mode)
        image.putalpha(Image.fromarray(alpha))
        base = np.asarray(colours.convert(mode[:-1]).convert("RGB")).astype(float)
        encoded = _encoded(image, "PNG")
    else:
        alpha = np.where(alpha == 255, 255, 0)
        pixels = np.where(alpha[..., None] == 255, (10, 200, 30), (1, 2, 3))
        image = Image.fromarray(pixels.astype("uint8"))
        base = pixels.astype(float)
        if mode == "P":
            image = image.quantize(2)
            encoded = _encoded(image, "PNG", transparency=image.getpixel((0, 0)))
        else:
            encoded = _encoded(image, "PNG", transparency=(1, 2, 3))
    share = alpha[..., None] / 255
    expected = base * share + 255 * (1 - share)
    assert np.abs(decode(encoded) - expected).max() <= 1


def test_cmyk_jpeg(colours):
    got = decode(_encoded(colours.convert("CMYK"), "JPEG", quality=95))
    assert np.abs(got.astype(int) - np.asarray(colours)).mean() < 8


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_deep_grey_is_scaled_not_saturated(kind):
    deep = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype("uint16")
    got = decode(_encoded(Image.fromarray(deep), kind), channels=1)
    np.testing.assert_array_equal(got[..., 0], np.rint(deep / 257))


def test_one_bit_is_black_and_white():
    bits = np.indices((9, 11)).sum(0) % 2 == 0
    got = decode(_encoded(Image.fromarray(bits), "PNG"), channels=1)
    np.testing.assert_array_equal(got[..., 0], bits * 255)


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_first_frame_of_an_animation(kind):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    encoded = _encoded(
        frames[0], kind, save_all=True, append_images=frames[1:], **options
    )
    np.testing.assert_array_equal(decode(encoded), np.asarray(frames[0]))


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda x: x),
        (2, lambda x: x[:, ::-1]),
        (3, lambda x: x[::-1, ::-1]),
        (6, lambda x: np.rot90(x, -1)),
        (8, lambda x: np.rot90(x)),
    ],
)
def test_rotation_in_exif_is_applied(colours, orientation, upright):
    exif = Image.Exif()
    exif[0x0112] = orientation
    encoded = _encoded(colours, "JPEG", exif=exif, quality=95)
    stored = np.asarray(Image.open(io.BytesIO(encoded)))
    np.testing.assert_array_equal(decode(encoded), upright(stored))


def test_floating_pixels_are_refused():
    image = Image.fromarray(np.linspace(0, 1, 64, dtype="float32").reshape(8, 8))
    with pytest.raises(ValueError, match="white is not defined"):
        decode(_encoded(image, "TIFF"))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_small_files_of_huge_images_are_refused():
    before = Image.MAX_IMAGE_PIXELS
    encoded = _encoded(Image.new("1", (12_000, 12_000)), "PNG")
    assert len(encoded) < 30_000
    with pytest.raises(ValueError, match="12000x12000 is 144 million pixels"):
        decode(encoded)
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_very_large_images_are_decoded_smaller(colours, monkeypatch, kind):
    monkeypatch.setattr(module, "LARGE_PIXELS", 100)
    monkeypatch.setattr(module, "LEAST_SIDE", 16)
    options = {"quality": 95} if kind == "JPEG" else {}
    got = decode(_encoded(colours, kind, **options))
    assert got.shape == (16, 24, 3)
    halved = np.asarray(colours.resize((24, 16), Image.Resampling.BOX)).astype(int)
    assert np.abs(got - halved).mean() < 6


def test_photographs_are_decoded_as_pillow_does(shared):
    for path in sorted(shared.glob("imagenet_val_250/*/*.JPEG"))[::10]:
        with Image.open(path) as image:
            expected = np.asarray(image.convert("RGB"))
        np.testing.assert_array_equal(decode(path), expected)
