"""Removal of bootstrap keypoints that look like no others (method, section 2)."""

from __future__ import annotations

import faiss
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.config.data import OutlierSettings
from landmark_discovery.threads import fixed_faiss_threads

# faiss wants so many points a list to place its centres.
POINTS_PER_LIST = 39
# A list that holds fewer points than there are neighbours makes infinite scores; at this mean size few lists do.
LIST_SIZE_IN_NEIGHBOURS = 4
_SEED = 1234
_QUERIES_AT_ONCE = 65_536


def find_inliers(descriptors: NDArray[np.float32], settings: OutlierSettings) -> NDArray[np.bool_]:
    """Say which keypoints look like many others, by `outlier_scores` and `below_quantile`.

    Args:
        descriptors: (N, D) of length 1, of the keypoints of all images.
        settings: the rule's numbers.

    Returns:
        (N,): True for the keypoints to keep; at least one is kept where there is any.
    """
    return below_quantile(outlier_scores(descriptors, settings), settings.keep_fraction)


def outlier_scores(descriptors: NDArray[np.float32], settings: OutlierSettings) -> NDArray[np.float64]:
    """Score each descriptor by the median squared distance to its nearest ones; high means unlike all others.

    The first `indexed_descriptors` are searched, a descriptor itself among them, and of these only the inverted list
    whose centre is nearest: neighbours that the list lacks count as infinitely far. Where fewer descriptors are
    searched than `neighbours`, all of them are the neighbours.

    Args:
        descriptors: (N, D).
        settings: the rule's numbers; see `list_count` for small data.

    Returns:
        Scores (N,), infinite where a list holds too few. The same descriptors give the same scores, run after run.
    """
    if len(descriptors) == 0:
        return np.zeros(0)
    vectors = np.ascontiguousarray(descriptors, dtype=np.float32)
    searched = vectors[: settings.indexed_descriptors]
    index = _inverted_file(searched, list_count(len(searched), settings))
    neighbours = min(settings.neighbours, len(searched))
    scores = [
        _median_distances(index, vectors[start : start + _QUERIES_AT_ONCE], neighbours)
        for start in range(0, len(vectors), _QUERIES_AT_ONCE)
    ]
    return np.concatenate(scores)


def list_count(searched: int, settings: OutlierSettings) -> int:
    """Choose the number of inverted lists: `lists`, but fewer on small data.

    A list gets at least 39 descriptors on average, as faiss wants, and at least 4 times as many as there are
    neighbours; otherwise most scores of small data would be infinite. The paper's numbers are reached from 40,000
    descriptors up.
    """
    list_size = max(POINTS_PER_LIST, LIST_SIZE_IN_NEIGHBOURS * settings.neighbours)
    return max(1, min(settings.lists, searched // list_size))


def below_quantile(scores: NDArray[np.float64], keep_fraction: float) -> NDArray[np.bool_]:
    """Keep scores below t = sorted[int(f * (n - 1))], for the fraction f.

    Two cases differ from the rule, which would keep nothing of equal scores: a fraction of 1 keeps all, and where no
    score is below t (so that t is the least of all), those equal to t are kept.

    Args:
        scores: (N,), may be infinite.
        keep_fraction: 0..1.

    Returns:
        (N,): True for those to keep.
    """
    if keep_fraction >= 1.0 or len(scores) == 0:
        return np.ones(len(scores), dtype=np.bool_)
    threshold = np.sort(scores)[int(keep_fraction * (len(scores) - 1))]
    kept: NDArray[np.bool_] = scores < threshold
    return kept if kept.any() else scores <= threshold


def _inverted_file(vectors: NDArray[np.float32], lists: int) -> faiss.IndexIVFFlat:
    dimension = vectors.shape[1]
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(dimension), dimension, lists, faiss.METRIC_L2)
    index.cp.seed = _SEED
    # One list of very few descriptors is all right here, and not worth faiss's warning.
    index.cp.min_points_per_centroid = 1
    index.nprobe = 1
    with fixed_faiss_threads():
        index.train(vectors)
    index.add(vectors)
    return index


def _median_distances(index: faiss.IndexIVFFlat, queries: NDArray[np.float32], neighbours: int) -> NDArray[np.float64]:
    distances, found = index.search(queries, neighbours)
    return np.median(np.where(found < 0, np.inf, distances.astype(np.float64)), axis=1)
