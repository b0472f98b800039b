"""k-means with the start and the subsampling of the method (section 4): faiss, or PyTorch on a GPU without it."""

from __future__ import annotations

import faiss
import numpy as np
import torch
from numpy.typing import NDArray

from landmark_discovery.clustering.lloyd import best_of, lloyd
from landmark_discovery.config.training import ClusteringSettings
from landmark_discovery.errors import UserError
from landmark_discovery.threads import fixed_faiss_threads
from landmark_discovery.training.runtime import arithmetic

FloatArray = NDArray[np.float32]
CPU = torch.device("cpu")


def kmeans(
    descriptors: FloatArray,
    clusters: int,
    settings: ClusteringSettings,
    initial: FloatArray | None = None,
    device: torch.device = CPU,
) -> FloatArray:
    """Cluster descriptors.

    At most `points_per_centroid` * clusters of them are trained on, drawn with the seed. Without `initial` each redo
    restarts from random descriptors and the best counts; with it, each redo goes on from the last result.

    Args:
        descriptors: (n, D).
        clusters: number of centroids.
        settings: iterations, redos, seed, points a centroid.
        initial: first centroids, (clusters, D).
        device: a GPU clusters there: in faiss if it is built for one, otherwise in PyTorch.

    Returns:
        Centroids (clusters, D), not normalised.

    Raises:
        UserError: fewer descriptors than clusters.
    """
    if len(descriptors) < clusters:
        raise UserError(
            f"{clusters} clusters are asked for, but only {len(descriptors)} detections are there to form them",
            where="clustering",
            remedy="lower num_landmarks or clustering.training_clusters, give more images, or train longer",
        )
    if device.type == "cuda" and not gpu_count():
        return _kmeans_in_torch(descriptors, clusters, settings, initial, device)
    run = faiss.Kmeans(
        descriptors.shape[1],
        clusters,
        niter=settings.iterations,
        nredo=settings.redos,
        seed=settings.seed,
        min_points_per_centroid=1,
        max_points_per_centroid=settings.points_per_centroid,
        gpu=device.type == "cuda",
    )
    with fixed_faiss_threads():
        run.train(np.ascontiguousarray(descriptors, dtype=np.float32), init_centroids=initial)
    return np.asarray(run.centroids, dtype=np.float32)


def _kmeans_in_torch(
    descriptors: FloatArray,
    clusters: int,
    settings: ClusteringSettings,
    initial: FloatArray | None,
    device: torch.device,
) -> FloatArray:
    generator = np.random.default_rng(settings.seed)
    drawn = generator.permutation(len(descriptors))[: settings.points_per_centroid * clusters]
    points = torch.from_numpy(descriptors[drawn]).to(device)
    with arithmetic("float32", device):
        if initial is None:
            starts = [points[generator.permutation(len(points))[:clusters]] for _ in range(settings.redos)]
            centroids = best_of(points, starts, settings.iterations)
        else:
            start = torch.from_numpy(initial).to(device)
            centroids, _ = lloyd(points, start, settings.iterations * settings.redos)
    return centroids.cpu().numpy()


def spread_start(descriptors: FloatArray, clusters: int, generator: np.random.Generator) -> FloatArray:
    """Choose first centroids among the descriptors by k-means++ (Arthur, Vassilvitskii 2007).

    Args:
        descriptors: (n, D).
        clusters: how many, at most n.
        generator: source of randomness.

    Returns:
        (clusters, D).
    """
    lengths = np.einsum("nd,nd->n", descriptors, descriptors)
    chosen = [int(generator.integers(len(descriptors)))]
    nearest = np.full(len(descriptors), np.inf)
    while len(chosen) < clusters:
        last = chosen[-1]
        squared = lengths + lengths[last] - 2 * (descriptors @ descriptors[last])
        nearest = np.minimum(nearest, np.maximum(squared, 0))
        total = nearest.sum()
        weights = nearest / total if total > 0 else np.full(len(nearest), 1 / len(nearest))
        chosen.append(int(generator.choice(len(descriptors), p=weights)))
    return descriptors[chosen]


def assign(descriptors: FloatArray, centroids: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
    """Find the nearest centroid of each descriptor.

    Returns:
        Cluster (n,) and squared distance (n,).
    """
    if not len(descriptors):
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    index = faiss.IndexFlatL2(centroids.shape[1])
    index.add(np.ascontiguousarray(centroids, dtype=np.float32))
    with fixed_faiss_threads():
        distance, cluster = index.search(np.ascontiguousarray(descriptors, dtype=np.float32), 1)
    return cluster[:, 0], distance[:, 0]


def gpu_count() -> int:
    """Count the GPUs that faiss sees; none with its CPU build."""
    return int(faiss.get_num_gpus()) if hasattr(faiss, "get_num_gpus") else 0
