"""Heatmaps read together: each landmark is looked for where the other landmarks of its image expect it.

The highest place of a heatmap alone may be the other eye or something in the background. Where the others stand says
where a landmark is likely, as in a pictorial structure (Felzenszwalb and Huttenlocher, IJCV 2005): its place is about
normally distributed around a linear function of theirs. The place taken is the likeliest one, heatmap and expectation
together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from landmark_discovery.heatmaps.peaks import highest_points

# How often all landmarks are read anew, each time beside those of the time before.
ROUNDS = 10
# Added to heatmaps, whose peaks reach 1 at most: no place is impossible because its heatmap is silent there.
SILENCE = 0.02
# Log-likelihood of the places that are expected least. A high peak outweighs it: the others may be wrong themselves.
UNEXPECTED = -3.0


@dataclass(frozen=True)
class ShapePrior:
    """Hold where each of K landmarks is expected, given the others; on the grid of unchanged crops.

    Attributes:
        mean: (K, 2).
        weights: what a deviation of the others from their mean adds, (2 K, 2 K); a landmark says nothing of itself.
        deviation: standard deviation in x, and in y, from the place expected, in cells, (K,); infinite: nothing is
            expected.
    """

    mean: Tensor
    weights: Tensor
    deviation: Tensor

    def to(self, device: torch.device) -> ShapePrior:
        """Copy it to a device."""
        return ShapePrior(self.mean.to(device), self.weights.to(device), self.deviation.to(device))

    def expected(self, points: Tensor) -> Tensor:
        """Say where each landmark of points (B, K, 2) is expected from the others, (B, K, 2)."""
        moved = (points - self.mean).flatten(1)
        # Not a matrix product, whose rounding depends on the number of images.
        return (moved[:, :, None] * self.weights).sum(dim=1).view(points.shape) + self.mean

    def log_likelihood(self, places: Tensor, expected: Tensor) -> Tensor:
        """Compare places (B or 1, P, 2) for landmarks that are expected at (B, K, 2).

        Returns:
            Logarithm of the likelihood relative to the place expected, (B, K, P), from `UNEXPECTED` to 0.
        """
        distance = (places[:, None] - expected[:, :, None]) / self.deviation[:, None, None]
        return (-distance.square().sum(dim=-1) / 2).clamp(min=UNEXPECTED)


@dataclass(frozen=True)
class SeenView:
    """Hold what a network says of one view of each image.

    Attributes:
        heatmaps: (B, K, G, G).
        to_plain: maps points (B, P, 2) on the grid of the view to that of the unchanged crop.
    """

    heatmaps: Tensor
    to_plain: Callable[[Tensor], Tensor]


def read_views(views: Sequence[SeenView], subpixel: bool, prior: ShapePrior | None = None) -> tuple[Tensor, Tensor]:
    """Find the landmarks of images, averaged over their views.

    Args:
        views: of the same images.
        subpixel: refine a landmark between the cells of its heatmap.
        prior: None reads each heatmap alone.

    Returns:
        Points (B, K, 2) on the grid of the unchanged crop, and scores (B, K): how high the heatmaps are there.
    """
    points, scores = zip(*(highest_points(view.heatmaps, subpixel) for view in views), strict=True)
    start = _mean_place(views, points)
    if prior is None:
        return start, torch.stack(scores).mean(dim=0)
    return _read_together(views, subpixel, prior, start)


def _read_together(
    views: Sequence[SeenView], subpixel: bool, prior: ShapePrior, points: Tensor
) -> tuple[Tensor, Tensor]:
    """Move landmarks, from given points (B, K, 2), to where heatmaps and expectations together are highest."""
    evidence = [(view.heatmaps.float().clamp(min=0) + SILENCE).log() for view in views]
    cells = [view.to_plain(_cells(view.heatmaps)) for view in views]
    for _ in range(ROUNDS):
        expected = prior.expected(points)
        preference = (prior.log_likelihood(places, expected) for places in cells)
        likely = [_joined(*logarithms) for logarithms in zip(evidence, preference, strict=True)]
        points = _mean_place(views, [highest_points(likelihood, subpixel)[0] for likelihood in likely])
    heights = [_height(view.heatmaps, likelihood) for view, likelihood in zip(views, likely, strict=True)]
    return points, torch.stack(heights).mean(dim=0)


def _mean_place(views: Sequence[SeenView], points: Sequence[Tensor]) -> Tensor:
    """Average points (B, K, 2) on the grids of the views on that of the unchanged crop."""
    return torch.stack([view.to_plain(found) for view, found in zip(views, points, strict=True)]).mean(dim=0)


def _cells(heatmaps: Tensor) -> Tensor:
    """List the cells of maps (B, K, H, W) row by row as points, (B, H * W, 2)."""
    height, width = heatmaps.shape[-2:]
    rows, columns = (torch.arange(count, device=heatmaps.device, dtype=torch.float32) for count in (height, width))
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)
    return grid.view(1, height * width, 2).expand(len(heatmaps), -1, -1)


def _joined(evidence: Tensor, preference: Tensor) -> Tensor:
    """Join logarithms (B, K, H, W) and (B, K, H * W) to likelihoods (B, K, H, W) whose highest is 1."""
    joined = evidence + preference.view(evidence.shape)
    return (joined - joined.amax(dim=(2, 3), keepdim=True)).exp()


def _height(heatmaps: Tensor, likelihood: Tensor) -> Tensor:
    place = likelihood.flatten(2).argmax(dim=2, keepdim=True)
    return heatmaps.flatten(2).gather(2, place)[..., 0]
