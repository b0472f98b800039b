"""Plane geometry of the drawn shapes: distances, crossings, what covers what."""

from __future__ import annotations

import cv2
import numpy as np

from landmark_discovery.geometry import FloatArray

# Ends that lie on another line do so up to rounding.
TOUCH_PX = 1e-6
# A corner so near to an area laid over its surroundings is as good as hidden.
_COVER_MARGIN_PX = 1.0


def cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Give the cross product of vectors (..., 2), a number each."""
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])


def outline_segments(outline: FloatArray) -> FloatArray:
    """Give the sides of a polygon (n, 2) as segments (n, 2, 2), from each corner to the next."""
    return np.stack([outline, np.roll(outline, -1, axis=0)], axis=1)


def least_distance(points: FloatArray) -> float:
    """Give the distance of the two nearest of some points (n, 2); infinite where there are fewer than two."""
    first, second = np.triu_indices(len(points), 1)
    return float(np.linalg.norm(points[first] - points[second], axis=1).min(initial=np.inf))


def distances_to_segment(points: FloatArray, segment: FloatArray) -> FloatArray:
    """Give the distances (n,) of points (n, 2) from a segment (2, 2)."""
    start, along = segment[0], segment[1] - segment[0]
    share = np.clip((points - start) @ along / (along @ along), 0, 1)
    return np.asarray(np.linalg.norm(points - start - share[:, None] * along, axis=1))


def crossings(segments: FloatArray, others: FloatArray) -> FloatArray:
    """Give the points (k, 2) where segments (n, 2, 2) meet others (m, 2, 2); their ends belong to them."""
    start, along = segments[:, None, 0], segments[:, None, 1] - segments[:, None, 0]
    other_start, other_along = others[None, :, 0], others[None, :, 1] - others[None, :, 0]
    area = cross(along, other_along)
    parallel = np.abs(area) < TOUCH_PX
    divisor = np.where(parallel, 1, area)
    share = cross(other_start - start, other_along) / divisor
    other_share = cross(other_start - start, along) / divisor
    low, high = -TOUCH_PX, 1 + TOUCH_PX
    meets = ~parallel & (share >= low) & (share <= high) & (other_share >= low) & (other_share <= high)
    return np.asarray((start + share[..., None] * along)[meets])


def uncovered(points: FloatArray, outline: FloatArray) -> FloatArray:
    """Drop those of the points (n, 2) that a polygon covers or all but touches."""
    contour = outline.astype(np.float32)
    distances = [cv2.pointPolygonTest(contour, (float(x), float(y)), True) for x, y in points]
    return points[np.array(distances, dtype=np.float64) < -_COVER_MARGIN_PX]


def corner_angles(outline: FloatArray) -> FloatArray:
    """Give the angle (n,) between the two sides that meet at each corner of a polygon, 0 to 180 degrees."""
    before, after = np.roll(outline, 1, axis=0) - outline, np.roll(outline, -1, axis=0) - outline
    return np.asarray(np.degrees(np.abs(np.arctan2(cross(before, after), (before * after).sum(axis=1)))))


def thinned(points: FloatArray, gap_px: float) -> FloatArray:
    """Drop those of the points (n, 2) that are nearer than `gap_px` to one that stands before them and stays."""
    kept: list[FloatArray] = []
    for point in points:
        if all(np.linalg.norm(point - other) >= gap_px for other in kept):
            kept.append(point)
    return np.array(kept, dtype=np.float64).reshape(-1, 2)
