"""Pictures of the bootstrap keypoints: which were kept, and which taken for outliers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.geometry import resize_points
from landmark_discovery.reporting.drawing import (
    Color,
    Picture,
    blank,
    draw_cross,
    draw_marker,
    draw_text,
    stack,
    text_mask,
    tile,
)
from landmark_discovery.reporting.grids import TILE_PX, enlarged

KEPT: Color = (86, 180, 233)
OUTLIER: Color = (230, 120, 0)


def keypoint_grid(
    crops: NDArray[np.uint8],
    points: Sequence[NDArray[np.float64]],
    kept: Sequence[NDArray[np.bool_]],
    columns: int = 6,
    tile_px: int = TILE_PX,
) -> Picture:
    """Draw the keypoints of many images onto them: discs for those kept, crosses for outliers.

    Args:
        crops: (N, S, S, 3), at least one.
        points: for each image its keypoints, (P, 2) in crop pixels.
        kept: for each image which of them passed the outlier rule, (P,).
        columns: images in a row.
        tile_px: width and height at which an image is shown.
    """
    tiles = [
        _drawn(enlarged(crop, tile_px), resize_points(some, crops.shape[1], tile_px), passed)
        for crop, some, passed in zip(crops, points, kept, strict=True)
    ]
    sheet = tile(tiles, columns)
    inliers, total = sum(int(passed.sum()) for passed in kept), sum(len(passed) for passed in kept)
    return stack([sheet, _key(inliers, total - inliers, len(crops), sheet.shape[1])])


def _drawn(crop: Picture, points: NDArray[np.float64], kept: NDArray[np.bool_]) -> Picture:
    picture = crop.copy()
    radius = crop.shape[0] / 64
    for point in points[~kept]:
        draw_cross(picture, point, OUTLIER, 1.4 * radius)
    for point in points[kept]:
        draw_marker(picture, point, KEPT, radius)
    return picture


def _key(inliers: int, outliers: int, images: int, width_px: int) -> Picture:
    key = blank(36, width_px)
    words = f"kept: {inliers}"
    draw_marker(key, (20, 16), KEPT, 5)
    draw_text(key, (34, 7), words, 13)
    left = 34 + text_mask(words, 13).shape[1] + 30
    draw_cross(key, (left, 16), OUTLIER, 6)
    noun = "image" if images == 1 else "images"
    draw_text(key, (left + 14, 7), f"outliers: {outliers}, in these {images} {noun}", 13)
    return key
