"""The shape that landmarks form together, learnt from what a network finds; no annotation is needed."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from landmark_discovery.clustering.consistency import expect_each
from landmark_discovery.geometry import mirror_points
from landmark_discovery.heatmaps.shape_prior import ShapePrior

# In cells: heatmaps tell places apart no better, however well a network repeats what it learnt.
LEAST_DEVIATION = 0.5
# Times the deviation that was found: images of the training are expected better than new ones.
TOLERANCE = 1.5


def fit_shape_prior(
    points: NDArray[np.floating], flip_map: NDArray[np.int64], grid_size: int, limit: float
) -> ShapePrior:
    """Fit where each landmark stands relative to the others, on images and their mirror images.

    Args:
        points: of the training images on the grid, (N, K, 2); NaN: not found.
        flip_map: the landmark that each becomes when the image is mirrored, (K,); -1: none.
        grid_size: cells of a row.
        limit: what stands farther from its expectation, in cells, isn't learnt from.

    Returns:
        The prior, on the CPU. A landmark with fewer than 20 points within `limit`, those of mirror images among them,
        is expected nowhere.
    """
    # As heatmaps are averaged with those of the mirror image, also where a map isn't one to one.
    paired = flip_map >= 0
    mirrored = np.where(paired[:, None], mirror_points(points[:, flip_map], grid_size), np.nan)
    expectation = expect_each(np.concatenate([points, mirrored]), limit)
    known = TOLERANCE * expectation.deviation.clip(min=LEAST_DEVIATION)
    deviation = np.where(np.isnan(known), np.inf, known)
    numbers = (expectation.mean, expectation.weights, deviation)
    return ShapePrior(*(torch.from_numpy(values.astype(np.float32)) for values in numbers))
