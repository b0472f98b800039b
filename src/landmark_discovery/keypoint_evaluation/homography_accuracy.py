"""Homographies estimated from matches, and how far off they are (DeTone et al. 2018, experiments)."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.geometry import FloatArray
from landmark_discovery.keypoint_evaluation.homographies import map_points

LEAST_MATCHES = 4
_MAX_ITERATIONS = 10_000
_CONFIDENCE = 0.999


def estimate_homography(
    first: NDArray[np.float64], second: NDArray[np.float64], threshold_px: float
) -> FloatArray | None:
    """Estimate the homography that most matches agree with, by MAGSAC++.

    OpenCV draws its samples from a generator that starts anew in each call, so that equal matches, in whatever order,
    give equal homographies.

    Args:
        first: matched points (k, 2) of the first image.
        second: matched points (k, 2) of the second image.
        threshold_px: about how far right matches may be off.

    Returns:
        (3, 3) from the first image to the second; None: fewer than four matches, or none fits them.
    """
    if len(first) < LEAST_MATCHES:
        return None
    order = np.lexsort((second[:, 1], second[:, 0], first[:, 1], first[:, 0]))
    try:
        homography, _ = cv2.findHomography(
            first[order],
            second[order],
            method=cv2.USAC_MAGSAC,
            ransacReprojThreshold=threshold_px,
            maxIters=_MAX_ITERATIONS,
            confidence=_CONFIDENCE,
        )
    except cv2.error:
        # Degenerate matches, such as all on one line.
        return None
    usable = homography is not None and homography.shape == (3, 3) and bool(np.isfinite(homography).all())
    return np.asarray(homography, dtype=np.float64) if usable else None


def corner_error_px(
    estimated: NDArray[np.float64] | None, homography: NDArray[np.float64], size_px: tuple[int, int]
) -> float:
    """Average over the image's corners how far an estimate maps them from where they belong.

    Args:
        estimated: (3, 3) from the first image to the second; None: the estimation failed.
        homography: the true one.
        size_px: (width, height) of the first image; its corners are the centres of the corner pixels.

    Returns:
        Pixels of the second image; infinite where the estimation failed, or puts a corner behind the camera.
    """
    if estimated is None:
        return math.inf
    right, bottom = size_px[0] - 1, size_px[1] - 1
    corners = np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], dtype=np.float64)
    difference = map_points(corners, _facing(estimated, corners)) - map_points(corners, homography)
    error = float(np.linalg.norm(difference, axis=1).mean())
    return error if math.isfinite(error) else math.inf


def area_under_curve(errors_px: NDArray[np.float64], limit_px: float) -> float:
    """Give the area under the cumulative curve of errors up to a limit, divided by the limit.

    The curve at e is the share of errors up to e, a staircase; an error adds max(0, limit - error) / limit to its
    area, so that the area is exact and is the mean of that over images.

    Args:
        errors_px: (n,), infinite for failures.
        limit_px: above 0.

    Returns:
        0..1; NaN without errors.
    """
    return float(np.mean(curve_areas(errors_px, limit_px))) if len(errors_px) else float("nan")


def curve_areas(errors_px: NDArray[np.float64], limit_px: float) -> FloatArray:
    """Give what each error (n,) adds to `area_under_curve`: 1 for none, 0 from the limit on."""
    return np.asarray(1 - np.minimum(errors_px, limit_px) / limit_px)


def _facing(homography: NDArray[np.float64], corners: NDArray[np.float64]) -> FloatArray:
    """Choose the sign of a homography, which means nothing, so that the corners' centre lies before the camera."""
    depth = homography[2] @ np.append(corners.mean(axis=0), 1.0)
    return np.asarray(homography if depth > 0 else -homography)
