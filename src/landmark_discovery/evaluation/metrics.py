"""Errors of points, their averages and curves, and how far landmarks are apart (method, sections 6 and 9).

NaN means that there is no such point or no such figure; averages skip it, and an average of nothing is NaN again.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landmark_discovery.geometry import FloatArray


def mean_present(values: NDArray[np.floating], axis: int | tuple[int, ...] | None = None) -> FloatArray:
    """Average the values that aren't NaN; NaN where there are none."""
    present = ~np.isnan(values)
    count = present.sum(axis=axis)
    total = np.where(present, values, 0.0).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def point_errors(
    predicted: NDArray[np.floating], true: NDArray[np.floating], normalizer: NDArray[np.floating]
) -> FloatArray:
    """Measure the distance of every point, divided by its image's normaliser.

    Args:
        predicted: (..., N, P, 2) in pixels.
        true: (N, P, 2) in the same pixels.
        normalizer: (N,) in the same pixels; NaN: the image is left out.

    Returns:
        (..., N, P), a fraction; NaN where either point or the normaliser is missing.
    """
    return np.asarray(np.linalg.norm(predicted - true, axis=-1) / normalizer[:, None])


def mean_by_image(errors: NDArray[np.floating]) -> FloatArray:
    """Average errors (..., N, P) over the points that each image has, then over images (forward NME)."""
    return mean_present(mean_present(errors, axis=-1), axis=-1)


def mean_by_point(errors: NDArray[np.floating]) -> FloatArray:
    """Average errors (..., N, P) over the images that have each point, then over points (backward NME)."""
    return mean_present(mean_present(errors, axis=-2), axis=-1)


def cumulative_curve(errors: NDArray[np.floating], names: NDArray[np.integer], column: str) -> pd.DataFrame:
    """Sort per-landmark errors and average them as they accumulate (method, section 6).

    Args:
        errors: (R, N, P) over repeats and images, a fraction.
        names: index of each point, (P,).
        column: what the points are called: "point" or "landmark".

    Returns:
        A table of rank (from 1), `column`, nme_percent and cumulative_nme_percent, the best first. Points without any
        error stand last, with NaN in both.
    """
    percent = 100 * mean_present(mean_present(errors, axis=1), axis=0)
    order = np.argsort(percent, kind="stable")
    ranks = np.arange(1, len(order) + 1)
    # The missing are sorted to the end, so the sum over ranks is the sum over the present up to there.
    running = np.cumsum(percent[order]) / ranks
    return pd.DataFrame(
        {
            "rank": ranks,
            column: np.asarray(names)[order],
            "nme_percent": percent[order],
            "cumulative_nme_percent": running,
        }
    )


def detection_rate(landmarks: NDArray[np.floating]) -> FloatArray:
    """Give the share of images (N, K, 2) in which each landmark was found, (K,)."""
    return mean_present(np.isfinite(landmarks).all(axis=-1).astype(np.float64), axis=0)


def mean_distances(landmarks: NDArray[np.floating]) -> FloatArray:
    """Average the distance of each pair of landmarks over the images (N, K, 2) that have both.

    Returns:
        (K, K) in pixels. Two landmarks that never meet in an image get the distance of their mean positions: a part
        that split in two, one for each pose, isn't two landmarks. NaN where a landmark was never found.
    """
    places = mean_present(landmarks, axis=0)
    apart = np.linalg.norm(places[:, None] - places[None, :], axis=-1)
    together = [
        mean_present(np.linalg.norm(landmarks - landmarks[:, [index]], axis=-1), axis=0)
        for index in range(landmarks.shape[1])
    ]
    distances = np.stack(together) if together else apart
    return np.where(np.isnan(distances), apart, distances)


def distinct_landmarks(landmarks: NDArray[np.floating], least_distance_px: float) -> int:
    """Count the largest set of landmarks that are pairwise more than `least_distance_px` apart on average.

    Sets grow greedily in the order of the landmarks, once from each landmark; the largest counts (method, section 9).
    Landmarks that were never found don't count.

    Args:
        landmarks: (N, K, 2) in pixels; NaN: not found.
        least_distance_px: the mean distance that a pair must exceed.
    """
    distances = mean_distances(landmarks)
    found = np.flatnonzero(np.isfinite(np.diagonal(distances)))
    return max((_greedy_size(distances, found, int(first), least_distance_px) for first in found), default=0)


def _greedy_size(distances: FloatArray, found: NDArray[np.integer], first: int, least_distance_px: float) -> int:
    chosen = [first]
    for candidate in found:
        if (distances[candidate, chosen] > least_distance_px).all():
            chosen.append(int(candidate))
    return len(chosen)
