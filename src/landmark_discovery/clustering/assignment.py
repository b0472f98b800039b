"""From clusters of detections to one detection a cluster and image, and to the flip map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


def nearest_of_image(image: IntArray, cluster: IntArray, distance: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mark, for each image and cluster, the detection nearest to the centroid; of equals, the first.

    Args:
        image: of each detection, (n,).
        cluster: of each detection, (n,).
        distance: of each detection to its centroid, (n,).

    Returns:
        (n,).
    """
    order = np.lexsort((np.arange(len(image)), distance, cluster, image))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(image[order]) != 0) | (np.diff(cluster[order]) != 0)
    kept = np.zeros(len(order), dtype=bool)
    kept[order] = first
    return kept


def flip_map(image: IntArray, cluster: IntArray, flipped_cluster: IntArray, clusters: int) -> IntArray:
    """Map each cluster to the one that its detections fall into when the image is mirrored.

    The flipped cluster that most images share counts; a cluster never seen maps to 0. The map need not be one to
    one (method, section 4).

    Args:
        image: of each detection, (n,).
        cluster: of each detection, (n,).
        flipped_cluster: of each detection's mirrored twin, (n,).
        clusters: number of clusters.

    Returns:
        (clusters,).
    """
    met = np.unique(np.stack([image, cluster, flipped_cluster], axis=1), axis=0)
    counts = np.zeros((clusters, clusters), dtype=np.int64)
    np.add.at(counts, (met[:, 1], met[:, 2]), 1)
    best: IntArray = counts.argmax(axis=1)
    return best


def flip_purity(cluster: IntArray, flipped_cluster: IntArray, mapping: IntArray) -> float:
    """Give the share of detections whose mirrored twin falls where the flip map says; NaN without detections."""
    return float(np.mean(mapping[cluster] == flipped_cluster)) if len(cluster) else float("nan")


def scatter_by_cluster(
    image: IntArray, cluster: IntArray, values: NDArray[np.float32], num_images: int, clusters: int
) -> NDArray[np.float32]:
    """Lay one value a detection out by image and cluster.

    Args:
        image: of each detection, (n,); at most one detection an image and cluster.
        cluster: of each detection, (n,).
        values: (n,) or (n, C).
        num_images: rows of the result (N).
        clusters: columns of the result (K).

    Returns:
        (N, K) or (N, K, C); NaN where there is no detection.
    """
    table = np.full((num_images, clusters, *values.shape[1:]), np.nan, dtype=np.float32)
    table[image, cluster] = values
    return table
