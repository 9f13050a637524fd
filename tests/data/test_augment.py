import numpy as np
import pytest
from scipy import ndimage

from keras_cnnzoo.data import Augmentation
from keras_cnnzoo.data.augment import DRAWN, warp

#: For what these tests do not draw.
RNG = np.random.default_rng(0)


def _draws(count, **fixed):
    draws = np.full((count, len(DRAWN)), 0.5, "float32")
    for name, value in fixed.items():
        draws[:, DRAWN.index(name)] = value
    return draws


@pytest.fixture
def images(rng):
    return rng.uniform(0, 255, (5, 12, 9, 2)).astype("float32")


def test_warp_is_scipys_affine_transform(images, rng):
    matrices = rng.normal(size=(5, 2, 3)) * [1, 1, 4] + np.eye(2, 3)
    got = warp(images, matrices)
    for image, matrix, warped in zip(images, matrices, got, strict=True):
        for channel in range(2):
            expected = ndimage.affine_transform(
                image[..., channel], matrix, order=1, mode="grid-constant"
            )
            np.testing.assert_allclose(warped[..., channel], expected, atol=0.01)


def test_middle_draw_changes_nothing(images):
    still = Augmentation(shift=3, rotate=90, zoom=0.5, shear=45)
    np.testing.assert_allclose(still.apply(images, _draws(5), RNG), images, atol=1e-3)


def test_rotation_by_a_right_angle(images):
    square = images[:, :9]
    turned = Augmentation(rotate=90).apply(square, _draws(5, rotate=1.0), RNG)
    same = [
        np.allclose(turned, np.rot90(square, k, axes=(1, 2)), atol=0.05) for k in (1, 3)
    ]
    assert sum(same) == 1


def test_shift_moves_by_pixels_or_share(images):
    for shift in (3, 0.25):
        moved = Augmentation(shift=shift).apply(images, _draws(5, down=1.0), RNG)
        np.testing.assert_allclose(moved[:, 3:], images[:, :-3], atol=1e-3)
        assert not moved[:, :3].any()


def test_zoom_enlarges(images):
    far = np.zeros((1, 21, 21, 1), "float32")
    far[0, 10, 14] = 255
    zoomed = Augmentation(zoom=0.5).apply(far, _draws(1, zoom=1.0), RNG)
    assert np.unravel_index(zoomed.argmax(), (21, 21)) == (10, 16)


def test_crop_pad_takes_every_window_equally(rng):
    images = rng.uniform(1, 255, (1, 5, 5, 1)).astype("float32")
    padded = np.pad(images[0], ((1, 1), (1, 1), (0, 0)))
    windows = [
        padded[y : y + 5, x : x + 5].tobytes() for y in range(3) for x in range(3)
    ]
    augmentation = Augmentation(crop_pad=1)
    many = np.repeat(images, 9000, axis=0)
    crops = augmentation.apply(many, augmentation.draw(rng, 9000), RNG)
    _, counts = np.unique(
        [windows.index(crop.tobytes()) for crop in crops], return_counts=True
    )
    assert len(counts) == 9
    # 1000 expected of each, with a standard deviation of 30.
    assert np.abs(counts - 1000).max() < 150


def test_flip_mirrors_half(images, rng):
    augmentation = Augmentation(flip=True)
    many = np.repeat(images[:1], 4000, axis=0)
    flipped = augmentation.apply(many.copy(), augmentation.draw(rng, 4000), RNG)
    mirrored = (flipped == many[:, :, ::-1]).all((1, 2, 3))
    assert (mirrored | (flipped == many).all((1, 2, 3))).all()
    assert abs(mirrored.mean() - 0.5) < 0.05


def test_cutout_blacks_out_one_square(images):
    cut = Augmentation(cutout=4).apply(images + 1, _draws(5, cut_x=0.5, cut_y=0.0), RNG)
    black = (cut == 0).all(-1)
    # Its centre is on the upper border, so that half of it shows.
    assert black.sum((1, 2)).tolist() == [2 * 4] * 5
    assert black[:, :2, 2:6].all()


def test_area_crops_stay_inside_and_vary(rng):
    augmentation = Augmentation(area=(0.08, 1.0))
    window = augmentation.window(augmentation.draw(rng, 2000))
    boxes = np.array([window(place, 100, 150) for place in range(2000)])
    left, top, right, bottom = boxes.T
    assert (left >= 0).all()
    assert (top >= 0).all()
    assert (right <= 150).all()
    assert (bottom <= 100).all()
    shares = (right - left) * (bottom - top) / 15_000
    assert 0.079 < shares.min() < 0.12
    assert shares.max() > 0.9
    ratios = (right - left) / (bottom - top)
    assert ratios[shares < 0.5].min() > 0.74
    assert ratios[shares < 0.4].max() < 1.34


@pytest.mark.parametrize(
    "wrong", [{"shift": -1}, {"zoom": 1.0}, {"area": (0.5, 0.2)}, {"rotate": np.nan}]
)
def test_impossible_augmentations_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Augmentation(**wrong)
