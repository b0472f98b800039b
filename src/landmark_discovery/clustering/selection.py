"""The choice of K landmarks among more clusters, without any annotation.

Every set of K clusters covers the object, its vague parts too: an outline, along which a point slides, or hair. With
more clusters than landmarks, the vague ones can go: those that are seldom found, or stand where the others don't
expect them. Mirror images go or stay together, so that each landmark's mirror image is a landmark.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.clustering.consistency import agreement

IntArray = NDArray[np.int64]
# Two landmarks nearer than this share of the crop, on average, are one.
SEPARATION = 0.05


def select_landmarks(
    points: NDArray[np.floating], flip_map: IntArray, count: int, limit: float, separation: float
) -> IntArray:
    """Choose clusters by striking out the one, or the mirrored pair, that agrees least with the rest, again and again.

    Args:
        points: of all C clusters, (N, C, 2); NaN: not found.
        flip_map: the cluster that each becomes when the image is mirrored, (C,).
        count: clusters that stay (K), at most C.
        limit: distance at which a point no longer agrees, in the unit of the points.
        separation: of two clusters nearer than this on average, the one that agrees less goes first.

    Returns:
        The clusters that stay, in ascending order, (K,).
    """
    alive = list(range(points.shape[1]))
    while len(alive) > count:
        score = agreement(points[:, alive], limit)
        units = _units(alive, flip_map, len(alive) - count)
        worst = min(units, key=lambda unit: _rank(unit, alive, score, points, separation))
        alive = [cluster for cluster in alive if cluster not in worst]
    return np.array(alive, dtype=np.int64)


def closed_flip_map(flip_map: IntArray, selected: IntArray) -> IntArray:
    """Number the flip map (C,) by the selected clusters (K,); -1: the mirror image is no landmark."""
    place = {int(cluster): position for position, cluster in enumerate(selected)}
    mirrored = [
        place.get(int(flip_map[cluster]), -1) if _is_mutual(int(cluster), flip_map) else -1 for cluster in selected
    ]
    return np.array(mirrored, dtype=np.int64)


def _units(alive: list[int], flip_map: IntArray, surplus: int) -> list[tuple[int, ...]]:
    """List what may be struck out together: single clusters and mirrored pairs, none larger than the surplus."""
    units: list[tuple[int, ...]] = []
    for cluster in alive:
        partner = int(flip_map[cluster])
        paired = partner in alive and partner != cluster and _is_mutual(cluster, flip_map)
        if not paired:
            units.append((cluster,))
        elif cluster < partner:
            units.append((cluster, partner))
    fitting = [unit for unit in units if len(unit) <= surplus]
    return fitting or [(cluster,) for cluster in alive]


def _rank(
    unit: tuple[int, ...],
    alive: list[int],
    score: NDArray[np.float64],
    points: NDArray[np.floating],
    separation: float,
) -> tuple[bool, float]:
    """Rank a unit for striking out: one that doubles a better cluster first, then the lowest mean score."""
    places = [alive.index(cluster) for cluster in unit]
    others = [place for place in range(len(alive)) if place not in places]
    doubled = any(
        score[other] >= score[place] and _mean_distance(points, alive[place], alive[other]) < separation
        for place in places
        for other in others
    )
    return not doubled, float(np.mean(score[places]))


def _mean_distance(points: NDArray[np.floating], first: int, second: int) -> float:
    """Average the distance of two clusters over the images that have both, or take that of their mean positions."""
    distance = np.linalg.norm(points[:, first] - points[:, second], axis=1)
    if not np.isnan(distance).all():
        return float(np.nanmean(distance))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(np.linalg.norm(np.nanmean(points[:, first], axis=0) - np.nanmean(points[:, second], axis=0)))


def _is_mutual(cluster: int, flip_map: IntArray) -> bool:
    return int(flip_map[flip_map[cluster]]) == cluster
