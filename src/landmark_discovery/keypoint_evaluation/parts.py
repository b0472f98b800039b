"""Whether keypoints sit on the same facial part across people, by true points that serve the evaluation alone.

A part is a true point. A keypoint hits the part that is nearest to it, where that one is within a limit; otherwise it
hits nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from landmark_discovery.geometry import FloatArray

NOTHING = -1


def parts_hit(points: NDArray[np.float64], truth: NDArray[np.float64], limit_px: float) -> NDArray[np.int64]:
    """Name the part that each keypoint hits.

    Args:
        points: keypoints (n, 2).
        truth: true points (L, 2) of the same image; NaN: not known, and hit by none.
        limit_px: largest distance, itself included.

    Returns:
        (n,): index of the true point, the first of equally near ones; -1: it hits nothing.
    """
    if len(points) == 0 or len(truth) == 0:
        return np.full(len(points), NOTHING, dtype=np.int64)
    distances = np.nan_to_num(cdist(points, truth), nan=np.inf)
    nearest = distances.argmin(axis=1)
    return np.where(distances.min(axis=1) <= limit_px, nearest, NOTHING).astype(np.int64)


def part_hit_shares(hits: Sequence[NDArray[np.int64]]) -> FloatArray:
    """Give the share of each image's keypoints that hit a part.

    Args:
        hits: of each of N images, what its keypoints hit; see `parts_hit`.

    Returns:
        (N,); NaN for an image without keypoints.
    """
    return np.array([np.mean(image != NOTHING) if len(image) else np.nan for image in hits], dtype=np.float64)


def same_part_shares(
    hits: Sequence[NDArray[np.int64]], known: NDArray[np.bool_], people: NDArray[np.str_]
) -> FloatArray:
    """Measure how often keypoints hit a part that is hit in other people too.

    A keypoint counts the share of other people's images in which some keypoint hits its part, of those where that
    part is known; one that hits nothing, or a part that no other person has, counts 0. An image has the mean over its
    keypoints.

    Args:
        hits: of each of N images, what its keypoints hit; see `parts_hit`.
        known: (N, L), True where an image has a true point.
        people: who is seen in each image, (N,); images of the same person aren't compared.

    Returns:
        (N,); NaN for an image without keypoints.
    """
    num_parts = known.shape[1]
    is_hit = np.array([np.isin(np.arange(num_parts), image) for image in hits], dtype=np.float64)
    rates = _rates_in_others(is_hit.reshape(-1, num_parts), known, people)
    return np.array([_mean_rate(image, rate) for image, rate in zip(hits, rates, strict=True)], dtype=np.float64)


def part_areas(truth: NDArray[np.float64], size_px: tuple[int, int], border_px: float, limit_px: float) -> FloatArray:
    """Give the share of the pixels that hit each part: what a keypoint at a random place hits.

    Args:
        truth: true points (L, 2); NaN: not known.
        size_px: (width, height) of the image.
        border_px: nearer to the border than this there is no keypoint, so that those pixels don't count.
        limit_px: as in `parts_hit`.

    Returns:
        (L,), whose sum is the expected share of random keypoints that hit a part.
    """
    columns, rows = (np.arange(int(np.ceil(border_px)), int(size - 1 - border_px) + 1) for size in size_px)
    pixels = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2).astype(np.float64)
    hit = parts_hit(pixels, truth, limit_px)
    return np.bincount(hit[hit != NOTHING], minlength=len(truth)) / max(len(pixels), 1)


def random_same_part_shares(
    areas: NDArray[np.float64], counts: NDArray[np.int64], known: NDArray[np.bool_], people: NDArray[np.str_]
) -> FloatArray:
    """Expect of `same_part_shares` what as many keypoints at random places would have.

    Args:
        areas: (N, L), as `part_areas` gives them.
        counts: keypoints of each image, (N,).
        known: as in `same_part_shares`.
        people: as in `same_part_shares`.

    Returns:
        (N,); NaN for an image without keypoints.
    """
    some_hit = 1 - (1 - areas) ** counts[:, None]
    expected = (areas * _rates_in_others(some_hit, known, people)).sum(axis=1)
    return np.where(counts > 0, expected, np.nan)


def _rates_in_others(
    hit: NDArray[np.float64], known: NDArray[np.bool_], people: NDArray[np.str_]
) -> NDArray[np.float64]:
    """Average hits (N, L), 0..1, over the images of other people that have the part; 0 where there is none."""
    others = (people[:, None] != people[None, :]).astype(np.float64)
    total = others @ (hit * known)
    having = others @ known.astype(np.float64)
    rates: NDArray[np.float64] = total / np.maximum(having, 1)
    return rates


def _mean_rate(hits: NDArray[np.int64], rates: NDArray[np.float64]) -> float:
    if len(hits) == 0:
        return float("nan")
    return float(np.where(hits == NOTHING, 0.0, rates[hits]).mean())
