"""Points, boxes and masks follow the image: shown by images, Pillow and SciPy."""

import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

from keras_cnnzoo.data.augment import Augmentation, warp
from keras_cnnzoo.data.geometry import Geometry

pytestmark = pytest.mark.once


def _spot(points, size):
    """An image with a round spot at each point, one channel each."""
    rows, columns = np.indices(size) + 0.5
    return np.stack(
        [255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18) for x, y in points],
        axis=-1,
    ).astype("float32")


def _centre(image):
    """Where the spot of each channel is."""
    rows, columns = np.indices(image.shape[:2]) + 0.5
    weight = image.sum(axis=(0, 1))
    x, y = (np.einsum("hwc,hw->c", image, by) / weight for by in (columns, rows))
    return np.stack([x, y], axis=-1)


POINTS = np.array([[30.0, 25.5], [44.2, 31.8], [52.5, 22.0]])


def test_points_follow_the_image_through_an_affine_map(rng):
    image = _spot(POINTS, (60, 80))
    change = Augmentation(shift=4, rotate=20, zoom=0.2, shear=10)
    for _ in range(5):
        matrices = change._matrices((60, 80), change.draw(rng, 1))
        moved = Geometry.affine(matrices[0], (60, 80)).points(POINTS)
        got = _centre(warp(image[None], matrices)[0])
        np.testing.assert_allclose(got, moved, atol=0.1)


def test_points_follow_the_image_through_a_crop_and_a_flip():
    image = _spot(POINTS, (60, 80))
    box, size = (15.25, 10.5, 69.0, 46.75), (40, 50)
    planes = [
        Image.fromarray(plane).resize(size[::-1], Image.Resampling.BILINEAR, box)
        for plane in np.moveaxis(image, -1, 0)
    ]
    cropped = np.stack([np.asarray(plane) for plane in planes], axis=-1)
    geometry = Geometry.crop(box, size)
    np.testing.assert_allclose(_centre(cropped), geometry.points(POINTS), atol=0.1)
    flipped = geometry.then(Geometry.flip(size))
    np.testing.assert_allclose(
        _centre(cropped[:, ::-1]), flipped.points(POINTS), atol=0.1
    )


def test_maps_in_turn_are_one_map(rng):
    first = Geometry.crop((3, 4, 43, 34), (30, 20))
    second = Geometry.affine(np.array([[0.9, 0.2, 1], [-0.1, 1.1, 2]]), (30, 20))
    third = Geometry.flip((30, 20))
    points = rng.uniform(0, 40, (7, 5, 2))
    apart = third.points(second.points(first.points(points)))
    joined = first.then(second).then(third)
    np.testing.assert_allclose(joined.points(points), apart, atol=1e-9)
    again = first.then(second.then(third))
    np.testing.assert_allclose(again.matrix, joined.matrix, atol=1e-12)


# Pillow adds up steps, and misses a place half-way between two pixels by rounding.
@pytest.mark.parametrize(
    "box", [(0.01, 0.01, 39.97, 29.96), (3.513, 2.257, 33.506, 28.28), (10, 5, 21, 16)]
)
@pytest.mark.parametrize("size", [(30, 40), (14, 18), (61, 50)])
def test_masks_are_cropped_as_pillow_does(rng, box, size):
    mask = rng.integers(0, 21, (30, 40), dtype="uint8")
    expected = Image.fromarray(mask).resize(size[::-1], Image.Resampling.NEAREST, box)
    np.testing.assert_array_equal(Geometry.crop(box, size).mask(mask), expected)


def test_masks_are_warped_as_scipy_does(rng):
    mask = rng.integers(0, 21, (30, 40), dtype="uint8")
    change = Augmentation(shift=5, rotate=30, zoom=0.3, shear=15)
    for matrix in change._matrices((30, 40), change.draw(rng, 5)):
        expected = scipy.ndimage.affine_transform(
            mask, matrix[:, :2], matrix[:, 2], order=0, mode="grid-constant", cval=255
        )
        got = Geometry.affine(matrix, (30, 40)).mask(mask, outside=255)
        np.testing.assert_array_equal(got, expected)
    mirrored = Geometry.flip((30, 40)).mask(mask)
    np.testing.assert_array_equal(mirrored, mask[:, ::-1])


def test_boxes_are_those_of_their_masks():
    """A box covers what it covered before: shown by the extent of its moved mask."""
    boxes = np.array([[10, 5, 20, 12], [0, 0, 8, 30], [25, 20, 39, 29]])
    matrix = np.array([[0.8, 0.3, -2], [-0.3, 0.8, 6]])
    for geometry in (
        Geometry.crop((5, 3, 35, 27), (48, 60)),
        Geometry.flip((30, 40)),
        Geometry.affine(matrix, (30, 40)),
    ):
        moved, kept = geometry.boxes(boxes.astype(float))
        for (left, top, right, bottom), box, there in zip(
            boxes, moved, kept, strict=True
        ):
            mask = np.zeros((30, 40), "uint8")
            mask[top:bottom, left:right] = 1
            rows, columns = np.nonzero(geometry.mask(mask))
            assert there == bool(len(rows))
            extent = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            # The corner of a turned box is cut off or holds no pixel's centre.
            np.testing.assert_allclose(box, extent, atol=3)
            assert (box[:2] <= np.array(extent[:2]) + 0.5).all()
            assert (box[2:] >= np.array(extent[2:]) - 0.5).all()


def test_boxes_that_are_mostly_cut_off_are_not_kept():
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 4, 4], [30, 30, 39, 39], [7, 7, 7, 9]])
    geometry = Geometry.crop((5, 0, 25, 20), (20, 20))
    moved, kept = geometry.boxes(boxes)
    assert kept.tolist() == [True, False, False, False]
    np.testing.assert_allclose(moved[0], [0, 0, 5, 10])
    assert geometry.boxes(boxes, least=0.5)[1].tolist() == [True, False, False, False]
    assert not geometry.boxes(boxes, least=0.51)[1].any()
