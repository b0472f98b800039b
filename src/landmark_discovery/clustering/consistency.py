"""Detections that stand where the other landmarks of their image expect them.

A cluster that holds a point of the left and its twin of the right names now one, now the other. Such jumps show
without any annotation: each landmark is predicted linearly from the others, the detections far from their prediction
are struck out, and the prediction is fitted again to those that remain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RIDGE = 1e-2
ROUNDS = 6
MIN_IMAGES = 20


def consistent_points(points: NDArray[np.floating], limit: float) -> NDArray[np.bool_]:
    """Say which points lie within `limit` of what the other landmarks of their image predict.

    Args:
        points: (N, K, 2); NaN: not found.
        limit: in the unit of the points.

    Returns:
        (N, K); False where a point isn't found. A landmark found in fewer than 20 images is left as it is.
    """
    found: NDArray[np.bool_] = ~np.isnan(points[..., 0])
    kept = found
    enough = found.sum(axis=0) >= MIN_IMAGES
    for _ in range(ROUNDS):
        distance = _distances(points.astype(np.float64), kept)
        kept = found & ~(enough & ~(distance <= limit))
    return kept


def agreement(points: NDArray[np.floating], limit: float) -> NDArray[np.float64]:
    """Score how well each of K landmarks agrees with the others: from 0 to 1, higher is better.

    A point counts 1 where the other landmarks of its image expect it, falling to 0 at `limit`; the score is the mean
    over all images. So a landmark that is found everywhere, and stands still relative to the others, scores high.

    Args:
        points: (N, K, 2); NaN: not found.
        limit: in the unit of the points.

    Returns:
        (K,).
    """
    kept = consistent_points(points, limit)
    distance = _distances(points.astype(np.float64), kept)
    share: NDArray[np.float64] = np.nansum(np.clip(1 - distance / limit, 0, None), axis=0) / len(points)
    return share


def _distances(points: NDArray[np.float64], kept: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Measure how far each point lies from its prediction by the kept ones, (N, K); NaN where there is none."""
    images, landmarks = kept.shape
    counts = kept.sum(axis=0)
    mean = np.where(kept[..., None], points, 0.0).sum(axis=0) / np.maximum(counts, 1)[:, None]
    # A missing landmark stands at its mean, and so says nothing about the others.
    deviation = np.where(kept[..., None], points - mean, 0.0).reshape(images, -1)
    weights = _prediction_weights(deviation, kept)
    predicted = (deviation @ weights).reshape(images, landmarks, 2)
    distance = np.linalg.norm(points - mean - predicted, axis=2)
    return np.where(counts >= MIN_IMAGES, distance, np.nan)


def _prediction_weights(deviation: NDArray[np.float64], kept: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Fit each landmark to the others on the images that have it, (2 K, 2 K); a landmark says nothing of itself."""
    size, landmarks = deviation.shape[1], kept.shape[1]
    weights = np.zeros((size, size))
    for landmark in range(landmarks):
        own = slice(2 * landmark, 2 * landmark + 2)
        gram = deviation.T @ (deviation * kept[:, landmark, None])
        products = gram[:, own].copy()
        gram[own], gram[:, own], products[own] = 0, 0, 0
        ridge = RIDGE * np.trace(gram) / max(1, size - 2) + 1e-12
        weights[:, own] = np.linalg.solve(gram + ridge * np.eye(size), products)
    return weights
