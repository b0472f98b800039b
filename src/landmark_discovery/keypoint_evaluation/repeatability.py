"""How many keypoints are found again in another view of the same scene (DeTone et al. 2018, experiments)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from landmark_discovery.keypoint_evaluation.homographies import inverse, lie_inside, map_points


def lie_in_both(
    points: NDArray[np.float64], homography: NDArray[np.float64], size_px: tuple[int, int], border_px: float = 0.0
) -> NDArray[np.bool_]:
    """Say which points of an image a detector may find in both images.

    Args:
        points: (n, 2) in pixels of the one image.
        homography: (3, 3), from that image to the other.
        size_px: (width, height) of both.
        border_px: nearer to the border than this a detector finds nothing, in either image.

    Returns:
        (n,): True where neither the point nor where it is mapped to lies outside, or too near to the border.
    """
    here = lie_inside(points, size_px, border_px)
    return here & lie_inside(map_points(points, homography), size_px, border_px)


def repeatability(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    homography: NDArray[np.float64],
    size_px: tuple[int, int],
    tolerance_px: float,
    border_px: float = 0.0,
) -> float:
    """Give the share of keypoints that are found again in the other image, over both directions.

    Only keypoints that lie in both images count, away from either's border: no detector could find the others again.
    One of the first image is found again when one of the second lies
    within the tolerance of where the homography maps it; one of the second likewise, measured in the first image.

    Args:
        first: keypoints (n, 2) of the first image.
        second: keypoints (m, 2) of the second image.
        homography: (3, 3), from the first image to the second.
        size_px: (width, height) of both.
        tolerance_px: largest distance, itself included.
        border_px: least distance from the border of keypoints that count; see `lie_in_both`.

    Returns:
        (found in the second + found in the first) / (keypoints of the first + of the second); NaN without keypoints.
    """
    backwards = inverse(homography)
    ours = first[lie_in_both(first, homography, size_px, border_px)]
    theirs = second[lie_in_both(second, backwards, size_px, border_px)]
    total = len(ours) + len(theirs)
    found = _count_found(map_points(ours, homography), theirs, tolerance_px)
    found += _count_found(map_points(theirs, backwards), ours, tolerance_px)
    return found / total if total else float("nan")


def _count_found(points: NDArray[np.float64], others: NDArray[np.float64], tolerance_px: float) -> int:
    if len(points) == 0 or len(others) == 0:
        return 0
    return int(np.count_nonzero(cdist(points, others).min(axis=1) <= tolerance_px))
