"""Lloyd's iterations of k-means on a GPU, where faiss has none of its own (Lloyd 1982)."""

from __future__ import annotations

import torch
from torch import Tensor

# faiss halves the largest cluster by this share of its centroid where another cluster is empty.
SPLIT = 1 / 1024


def lloyd(points: Tensor, centroids: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """Move centroids to the means of their points, again and again, without waiting for the GPU.

    An empty cluster takes half of the largest one, as in faiss.

    Args:
        points: (n, D).
        centroids: to start from, (K, D).
        iterations: how often they move.

    Returns:
        Centroids (K, D), and the sum of squared distances of the points to the nearest, a scalar.
    """
    # Distances to each other matter alone, so that the points' own lengths come in only at the end.
    for _ in range(iterations):
        nearest = _scores(points, centroids).argmin(dim=1)
        member = torch.nn.functional.one_hot(nearest, len(centroids)).to(points.dtype)
        counts = member.sum(dim=0)
        means = (member.T @ points) / counts.clamp(min=1)[:, None]
        centroids = _with_split_largest(means, counts)
    objective = _scores(points, centroids).amin(dim=1).sum() + points.square().sum()
    return centroids, objective


def best_of(points: Tensor, starts: list[Tensor], iterations: int) -> Tensor:
    """Run from several starts and give the centroids (K, D) with the smallest sum of squared distances."""
    ends = [lloyd(points, start, iterations) for start in starts]
    best = int(torch.stack([objective for _, objective in ends]).argmin())
    return ends[best][0]


def _scores(points: Tensor, centroids: Tensor) -> Tensor:
    """Give the squared distances (n, K), less each point's own squared length."""
    return torch.addmm(centroids.square().sum(dim=1), points, centroids.T, alpha=-2)


def _with_split_largest(centroids: Tensor, counts: Tensor) -> Tensor:
    """Put one empty cluster beside the largest, half of whose points it will take."""
    largest, empty = counts.argmax(), counts.argmin()
    numbers = torch.arange(len(counts), device=counts.device)
    sign = torch.where(torch.arange(centroids.shape[1], device=counts.device) % 2 == 0, SPLIT, -SPLIT)
    big = centroids[largest]
    split = torch.where((numbers == empty)[:, None], big * (1 + sign), centroids)
    split = torch.where((numbers == largest)[:, None], big * (1 - sign), split)
    return torch.where(counts[empty] == 0, split, centroids)
