"""RandAugment and TrivialAugment; each operation is that of timm and torchvision."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image
from torch_references import reference

from keras_cnnzoo.data.operations import OPERATIONS, operate
from keras_cnnzoo.data.policies import (
    BY_BIN,
    BY_LEVEL,
    EITHER_SIGN,
    RandAugment,
    TrivialAugmentWide,
)

pytestmark = pytest.mark.once

#: timm's names of our operations.
TIMM = {
    "auto_contrast": "AutoContrast",
    "equalize": "Equalize",
    "invert": "Invert",
    "rotate": "Rotate",
    "posterize": "PosterizeIncreasing",
    "solarize": "SolarizeIncreasing",
    "solarize_add": "SolarizeAdd",
    "color": "ColorIncreasing",
    "contrast": "ContrastIncreasing",
    "brightness": "BrightnessIncreasing",
    "sharpness": "SharpnessIncreasing",
    "shear_x": "ShearX",
    "shear_y": "ShearY",
    "translate_x": "TranslateXRel",
    "translate_y": "TranslateYRel",
}


@pytest.fixture(scope="module")
def image():
    """Smooth colours with edges and noise, 37 x 50."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:37, :50]
    planes = [120 + 80 * np.sin(x / 9 + y / 5 * k) for k in range(3)]
    pixels = np.stack(planes, axis=-1) + rng.normal(0, 12, (37, 50, 3))
    pixels[10:20, 15:40] += 60
    return pixels.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", ["RGB", "L"])
@pytest.mark.parametrize("magnitude", [0, 3.3, 9, 9.9])
@pytest.mark.parametrize("name", TIMM)
def test_operations_of_randaugment_are_timms(name, magnitude, kind, image, monkeypatch):
    theirs = reference("timm.data.auto_augment")
    assert set(TIMM.values()) == set(theirs._RAND_INCREASING_TRANSFORMS)
    pixels = image if kind == "RGB" else image[..., :1]
    fill = (124, 116, 104)
    picture = Image.fromarray(pixels if kind == "RGB" else pixels[..., 0])
    for interpolation in ("bilinear", "bicubic"):
        hints = {
            "img_mean": fill if kind == "RGB" else 115,
            "interpolation": getattr(Image.Resampling, interpolation.upper()),
        }
        wanted = theirs.AugmentOp(TIMM[name], 1.0, magnitude, hints)
        for sign in (1, -1) if name in EITHER_SIGN else (1,):
            # It negates what comes with a number above a half.
            monkeypatch.setattr(theirs.random, "random", lambda s=sign: 0.5 - s / 4)
            value = sign * BY_LEVEL[name](magnitude / 10, *image.shape[:2])
            ours = operate(pixels, name, value, (interpolation, fill))
            expected = np.asarray(wanted(picture)).reshape(pixels.shape)
            np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("name", BY_BIN)
def test_operations_of_trivialaugment_are_torchvisions(name, image):
    theirs = reference("torchvision.transforms.autoaugment")
    spaces = theirs.TrivialAugmentWide()._augmentation_space(31)
    assert len(spaces) == len(BY_BIN)
    their_name = name.title().replace("_", "")
    bins, signed = spaces[their_name]
    assert signed == (name in EITHER_SIGN)
    # torchvision cuts off fractions of pixels when it applies them.
    moves = name.startswith("translate")
    np.testing.assert_allclose(
        BY_BIN[name], np.atleast_1d(bins), rtol=1e-5, atol=0.999 * moves
    )
    for place in {0, 7, 22, 30} if len(BY_BIN[name]) > 1 else {0}:
        for sign in (1, -1) if signed else (1,):
            for interpolation in ("nearest", "bilinear"):
                value = sign * float(BY_BIN[name][place])
                wanted = theirs._apply_op(
                    Image.fromarray(image),
                    their_name,
                    value,
                    theirs.InterpolationMode(interpolation),
                    None,
                )
                # torchvision moves to the right and down.
                ours = operate(
                    image,
                    name,
                    -value if moves else value,
                    (interpolation, (0, 0, 0)),
                )
                np.testing.assert_allclose(
                    ours.astype(int), np.asarray(wanted).astype(int), atol=1
                )


def test_randaugment_draws_as_it_says():
    rng, policy = np.random.default_rng(0), RandAugment(magnitude=9, deviation=0.5)
    steps = [step for _ in range(6000) for step in policy.draw(rng, 100, 200)]
    # Of two operations, each is applied with a probability of a half.
    assert len(steps) == pytest.approx(6000, rel=0.03)
    counts = Counter(name for name, *_ in steps)
    assert set(counts) == set(BY_LEVEL)
    assert max(counts.values()) < 1.25 * min(counts.values())
    angles = np.array([value for name, value, _ in steps if name == "rotate"])
    assert (angles < 0).mean() == pytest.approx(0.5, abs=0.08)
    assert np.abs(angles).max() == 30
    assert np.abs(angles).mean() == pytest.approx(27, abs=0.3)
    assert np.abs(angles).std() == pytest.approx(1.5, abs=0.2)
    bicubic = np.mean([how == "bicubic" for *_, how in steps])
    assert bicubic == pytest.approx(0.5, abs=0.03)


def test_trivialaugment_draws_as_it_says():
    rng, policy = np.random.default_rng(0), TrivialAugmentWide()
    steps = [policy.draw(rng) for _ in range(14 * 800)]
    counts = Counter(name for name, _ in steps)
    assert set(counts) == set(BY_BIN)
    assert max(counts.values()) < 1.25 * min(counts.values())
    angles = Counter(value for name, value in steps if name == "rotate")
    assert len(angles) == 61
    assert -min(angles) == max(angles) == 135


@pytest.mark.parametrize("policy", [RandAugment(probability=1), TrivialAugmentWide()])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_depends_on_the_generator_alone(policy, channels, image):
    pixels = image[..., :channels]
    before, different = pixels.copy(), 0
    for seed in range(10):
        one, other = (policy(pixels, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(one, other)
        assert (one.dtype, one.shape) == (np.uint8, pixels.shape)
        different += (one != pixels).any()
    assert different > 5
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RandAugment(magnitude=11), ValueError, "`magnitude` is from 0 to 10"),
        (lambda: RandAugment(probability=-1), ValueError, "`probability`"),
        (
            lambda: TrivialAugmentWide(interpolation="cubic"),
            ValueError,
            "'nearest', 'bilinear', 'bicubic'. Received: 'cubic'",
        ),
        (
            lambda: TrivialAugmentWide()(np.zeros((4, 4, 3)), np.random.default_rng(0)),
            TypeError,
            r"uint8 of shape .* float64 of shape \(4, 4, 3\)",
        ),
    ],
)
def test_what_cannot_be_is_said(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_nothing_is_left_of_no_bits(image):
    assert not operate(image, "posterize", 0, ("nearest", (0, 0, 0))).any()


def test_every_operation_is_used():
    assert set(OPERATIONS) == set(BY_BIN) | set(BY_LEVEL)
