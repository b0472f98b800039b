"""Many images of drawn shapes, and their file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.bootstrap_training.shapes.drawing import SHAPE_KINDS, draw_shape
from landmark_discovery.errors import UserError
from landmark_discovery.files import cast_array, read_npz, write_npz


@dataclass(frozen=True)
class Shapes:
    """Hold N images of drawn shapes with up to P keypoints each.

    Attributes:
        images: (N, H, W), grey.
        points: (N, P, 2) in pixels; NaN beyond an image's last keypoint.
        kind: (N,), of `SHAPE_KINDS`.
    """

    images: NDArray[np.uint8]
    points: NDArray[np.float64]
    kind: NDArray[np.str_]

    def __post_init__(self) -> None:
        """Refuse arrays that don't belong together."""
        count = len(self.images)
        if self.images.ndim != 3:
            raise UserError(f"images have the shape {self.images.shape}, not (N, H, W)")
        if self.points.ndim != 3 or self.points.shape[2] != 2 or len(self.points) != count:
            raise UserError(f"points have the shape {self.points.shape}, not ({count}, P, 2)")
        if self.kind.shape != (count,):
            raise UserError(f"kind has the shape {self.kind.shape}, not ({count},)")


def draw_shapes(count: int, size_px: int, seed: int) -> Shapes:
    """Draw images of all kinds in turn; an image depends on its number, the size and the seed alone.

    Args:
        count: of images.
        size_px: width and height of each.
        seed: of them all.

    Raises:
        UserError: the size is too small.
    """
    kinds = [SHAPE_KINDS[number % len(SHAPE_KINDS)] for number in range(count)]
    drawn = [
        draw_shape(kind, size_px, np.random.default_rng(np.random.SeedSequence((seed, number))))
        for number, kind in enumerate(kinds)
    ]
    images = np.array([image for image, _ in drawn], dtype=np.uint8).reshape(count, size_px, size_px)
    return Shapes(images, _padded([points for _, points in drawn]), np.array(kinds, dtype=np.str_))


def write_shapes(path: str | Path, shapes: Shapes) -> None:
    """Write shapes as .npz with the arrays images, points (float32) and kind."""
    write_npz(path, {**vars(shapes), "points": shapes.points.astype(np.float32)})


def read_shapes(path: str | Path) -> Shapes:
    """Read shapes.

    Raises:
        UserError: no such file, arrays missing, of other shapes or of other types.
    """
    arrays = read_npz(path, required=("images", "points", "kind"))
    try:
        return Shapes(
            images=cast_array(arrays, "images", np.uint8),
            points=cast_array(arrays, "points", np.float64),
            kind=cast_array(arrays, "kind", np.str_),
        )
    except UserError as error:
        raise UserError(str(error), where=path) from error


def _padded(points: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    longest = max((len(some) for some in points), default=0)
    padded = np.full((len(points), max(longest, 1), 2), np.nan)
    for row, some in zip(padded, points, strict=True):
        row[: len(some)] = some
    return padded
