"""Move points, boxes and masks the way an image was cropped, flipped and warped."""

from dataclasses import dataclass

import numpy as np

from keras_cnnzoo.data.adapt import Box


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where the pixels of a changed image come from, as one affine map.

    Positions are `(x, y)` in pixels from the left upper corner of an image: the pixel
    in row i and column j covers j to j + 1 and i to i + 1, and its centre is at
    (j + 0.5, i + 0.5). So the right edge of an image lies at its width, as in boxes of
    VOC and COCO, and a change of size is a mere multiplication.

    Args:
        matrix: `(2, 3)`; the position `(x, y)` in the changed image comes from
            `matrix @ (x, y, 1)` in the original one.
        size: Height and width of the changed image.

    Example:
        >>> mirrored = Geometry.crop((10, 0, 50, 40), (20, 20)).then(
        ...     Geometry.flip((20, 20))
        ... )
        >>> mirrored.points(np.array([[10.0, 40.0], [40.0, 20.0]]))
        array([[20., 20.],
               [ 5., 10.]])
    """

    matrix: np.ndarray
    size: tuple[int, int]

    @classmethod
    def crop(cls, box: Box, size: tuple[int, int]) -> "Geometry":
        """Return the map of a crop that is stretched to `size`.

        Args:
            box: The part that is taken, as left, top, right, bottom.
            size: Height and width of the result.
        """
        left, top, right, bottom = box
        scale = np.diag([(right - left) / size[1], (bottom - top) / size[0]])
        return cls(np.column_stack([scale, [left, top]]), size)

    @classmethod
    def flip(cls, size: tuple[int, int]) -> "Geometry":
        """Return the map that mirrors images of a size from left to right."""
        return cls(np.array([[-1.0, 0, size[1]], [0, 1, 0]]), size)

    @classmethod
    def affine(cls, matrix: np.ndarray, size: tuple[int, int]) -> "Geometry":
        """Return the map of `keras_cnnzoo.data.augment.warp`.

        Args:
            matrix: `(2, 3)`; the pixel in row i and column j comes from the row and
                column `matrix @ (i, j, 1)`, where centres of pixels are whole numbers.
            size: Height and width of the images, before and after.
        """
        linear = matrix[::-1, 1::-1]  # x before y
        # Half a pixel lies between a pixel's corner and its centre.
        start = matrix[::-1, 2] + 0.5 - linear @ [0.5, 0.5]
        return cls(np.column_stack([linear, start]), size)

    def then(self, after: "Geometry") -> "Geometry":
        """Return the map of this change followed by another one."""
        linear = self.matrix[:, :2] @ after.matrix[:, :2]
        start = self.matrix[:, :2] @ after.matrix[:, 2] + self.matrix[:, 2]
        return Geometry(np.column_stack([linear, start]), after.size)

    def points(self, points: np.ndarray) -> np.ndarray:
        """Return where points of the original image are in the changed one.

        Points that left the image keep their positions outside it.

        Args:
            points: `(..., 2)`, each `(x, y)`.
        """
        moved = points - self.matrix[:, 2]
        return np.linalg.solve(self.matrix[:, :2], moved[..., None])[..., 0]

    def boxes(
        self, boxes: np.ndarray, least: float = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the boxes around what boxes of the original image hold.

        A box that is turned or sheared becomes the upright box around its corners, and
        is cut at the edges of the image.

        Args:
            boxes: `(n, 4)`, each left, top, right, bottom.
            least: The fraction of a box's area, above 0 and up to 1, that must be left
                after the cut; 0 keeps all that have any area.

        Returns:
            The boxes `(n, 4)`, and which of them are kept `(n,)`.
        """
        corners = self.points(boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]])
        around = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=-1)
        height, width = self.size
        cut = np.clip(around, 0, [width, height, width, height])
        area, whole = _areas(cut), _areas(around)
        return cut, (area > 0) & (area >= least * whole)

    def mask(self, mask: np.ndarray, outside: int = 0) -> np.ndarray:
        """Return the mask of the changed image.

        Each pixel takes the value of the pixel from which its centre comes, so that no
        new values appear.

        Args:
            mask: `(height, width)` whole numbers, such as a class for each pixel.
            outside: The value of pixels that come from outside the original image.
        """
        height, width = self.size
        rows, columns = np.indices((height, width)) + 0.5
        centres = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
        # A crop by fractions can miss an edge by a rounding error.
        x, y = np.floor(np.round(centres @ self.matrix.T, 9)).astype(int).T
        inside = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
        moved = np.full(inside.shape, outside, mask.dtype)
        moved[inside] = mask[y[inside], x[inside]]
        return moved.T


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
