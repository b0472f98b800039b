"""Detections that stand where the other landmarks of their image expect them.

A cluster that holds a point of the left and its twin of the right names now one, now the other. Such jumps show
without any annotation: each landmark is predicted linearly from the others, the detections far from their prediction
are struck out, and the prediction is fitted again to those that remain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RIDGE = 1e-2
ROUNDS = 6
MIN_IMAGES = 20


@dataclass(frozen=True)
class Expectation:
    """Hold where each of K landmarks is expected from the others of its image.

    Attributes:
        mean: (K, 2); 0 for a landmark that is found nowhere.
        weights: what a deviation of the others from their mean adds, (2 K, 2 K).
        deviation: standard deviation of the points that fit from their expectation, in x and in y, (K,); NaN for a
            landmark with fewer than 20 points that fit.
    """

    mean: NDArray[np.float64]
    weights: NDArray[np.float64]
    deviation: NDArray[np.float64]


def expect_each(points: NDArray[np.floating], limit: float) -> Expectation:
    """Learn where each landmark is expected from the others, from the points that lie within `limit` of it.

    Args:
        points: (N, K, 2); NaN: not found.
        limit: in the unit of the points.

    Returns:
        The expectation, in that unit too.
    """
    kept = consistent_points(points, limit)
    mean, weights, distance = _fit(points.astype(np.float64), kept)
    counts = kept.sum(axis=0)
    # Of both axes together: half the mean of the squared distances.
    deviation = np.sqrt((np.where(kept, distance, 0.0) ** 2).sum(axis=0) / np.maximum(2 * counts, 1))
    return Expectation(mean, weights, np.where(counts >= MIN_IMAGES, deviation, np.nan))


def consistent_points(points: NDArray[np.floating], limit: float) -> NDArray[np.bool_]:
    """Say which points lie within `limit` of what the other landmarks of their image predict.

    Args:
        points: (N, K, 2); NaN: not found.
        limit: in the unit of the points.

    Returns:
        (N, K); False where a point isn't found. A landmark found in fewer than 20 images is left as it is. Any other
        loses all its points once a round leaves fewer than 20 of them.
    """
    found: NDArray[np.bool_] = ~np.isnan(points[..., 0])
    kept = found
    enough = found.sum(axis=0) >= MIN_IMAGES
    for _ in range(ROUNDS):
        _, _, distance = _fit(points.astype(np.float64), kept)
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
    _, _, distance = _fit(points.astype(np.float64), kept)
    share: NDArray[np.float64] = np.nansum(np.clip(1 - distance / limit, 0, None), axis=0) / len(points)
    return share


def _fit(
    points: NDArray[np.float64], kept: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Predict each landmark from the kept ones of its image.

    Returns:
        The mean of the kept points (K, 2), the weights (2 K, 2 K), and how far each point lies from its prediction,
        (N, K), NaN where there is none.
    """
    counts = kept.sum(axis=0)
    mean = np.where(kept[..., None], points, 0.0).sum(axis=0) / np.maximum(counts, 1)[:, None]
    # A missing landmark stands at its mean, and so says nothing about the others.
    moved = np.where(kept[..., None], points - mean, 0.0).reshape(len(points), -1)
    weights = _prediction_weights(moved, kept)
    predicted = (moved @ weights).reshape(points.shape)
    distance = np.linalg.norm(points - mean - predicted, axis=2)
    return mean, weights, np.where(counts >= MIN_IMAGES, distance, np.nan)


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
