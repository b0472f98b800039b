"""Greedy non-maximum suppression of points by the squares around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def suppress_squares(
    points: ArrayLike, scores: ArrayLike, half_side_px: float, iou_limit: float = 0.01
) -> NDArray[np.int64]:
    """Keep the points whose squares overlap no better point's square (method, sections 2 and 4).

    Points are taken from the highest score down, equal scores by their index; each one taken suppresses the points
    whose square (side 2 * `half_side_px`) has an intersection over union with its own above `iou_limit`.

    Args:
        points: (n, 2), in any unit, the same as that of `half_side_px`.
        scores: (n,).
        half_side_px: half the side of the squares, above 0.
        iou_limit: overlap up to which two points may both stay.

    Returns:
        Indices of the points kept, highest score first.
    """
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    coordinates = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    kept: list[int] = []
    while len(order) > 0:
        best, rest = int(order[0]), order[1:]
        kept.append(best)
        overlap = square_overlap(coordinates[best], coordinates[rest], half_side_px)
        order = rest[overlap <= iou_limit]
    return np.array(kept, dtype=np.int64)


def square_overlap(point: NDArray[np.float64], others: NDArray[np.float64], half_side_px: float) -> NDArray[np.float64]:
    """Give the intersection over union of one point's square with those of others (n, 2), as (n,) in 0..1."""
    side = 2.0 * half_side_px
    shared_sides = np.maximum(side - np.abs(others - point), 0.0)
    intersection = shared_sides[:, 0] * shared_sides[:, 1]
    return intersection / (2.0 * side * side - intersection)
