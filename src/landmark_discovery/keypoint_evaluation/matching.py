"""Keypoints of two images matched by their descriptors, and how many of the matches are right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from landmark_discovery.bootstrap.detector import DetectedKeypoints
from landmark_discovery.geometry import FloatArray
from landmark_discovery.keypoint_evaluation.homographies import inverse, map_points
from landmark_discovery.keypoint_evaluation.repeatability import lie_in_both


def mutual_matches(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.int64]:
    """Pair descriptors (n, D) and (m, D) that are each other's nearest by Euclidean distance.

    Returns:
        Indices (k, 2) into the first and the second, in the order of the first; of equally near ones the first counts.
    """
    if len(first) == 0 or len(second) == 0:
        return np.zeros((0, 2), dtype=np.int64)
    distances = cdist(first, second)
    forwards, backwards = distances.argmin(axis=1), distances.argmin(axis=0)
    own = np.arange(len(first))
    mutual = backwards[forwards] == own
    return np.column_stack([own[mutual], forwards[mutual]]).astype(np.int64)


def match_precision(
    first: DetectedKeypoints,
    second: DetectedKeypoints,
    homography: NDArray[np.float64],
    size_px: tuple[int, int],
    tolerance_px: float,
    border_px: float = 0.0,
) -> float:
    """Give the share of right ones among the mutual matches of keypoints that lie in both images.

    Keypoints that can't be found in the other image, since they lie outside or too near to its border, are left out
    before matching, so that only descriptors are judged.

    Args:
        first: keypoints of the first image.
        second: keypoints of the second image.
        homography: (3, 3), from the first image to the second.
        size_px: (width, height) of both.
        tolerance_px: a match is right within this distance in the second image, itself included.
        border_px: least distance from the border of keypoints that take part; see `lie_in_both`.

    Returns:
        A share; NaN without any match.
    """
    ours = np.flatnonzero(lie_in_both(first.points, homography, size_px, border_px))
    theirs = np.flatnonzero(lie_in_both(second.points, inverse(homography), size_px, border_px))
    matches = mutual_matches(first.descriptors[ours], second.descriptors[theirs])
    mapped = map_points(first.points[ours[matches[:, 0]]], homography)
    distances = np.linalg.norm(mapped - second.points[theirs[matches[:, 1]]], axis=1)
    return float(np.mean(distances <= tolerance_px)) if len(matches) else float("nan")


def matching_accuracy(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    homography: NDArray[np.float64],
    size_px: tuple[int, int],
    tolerances_px: Sequence[float],
) -> FloatArray:
    """Give the share of right ones among all mutual matches, at several tolerances.

    A match whose first point the homography maps outside of the second image is wrong at every tolerance.

    Args:
        first: matched points (k, 2) of the first image.
        second: matched points (k, 2) of the second image.
        homography: (3, 3), from the first image to the second.
        size_px: (width, height) of both.
        tolerances_px: (t,); a distance equal to one is within it.

    Returns:
        Shares (t,); NaN without any match.
    """
    if len(first) == 0:
        return np.full(len(tolerances_px), np.nan)
    distances = np.linalg.norm(map_points(first, homography) - second, axis=1)
    distances[~lie_in_both(first, homography, size_px)] = np.inf
    return np.asarray(np.mean(distances[:, None] <= np.asarray(tolerances_px), axis=0))
